-- one row per change of the record-key secret; the latest fingerprint is that of the secret in use
create table quality.key_rotation (
    rotation_id bigint generated always as identity primary key,
    rotated_at timestamptz not null default clock_timestamp(),
    old_fingerprint text not null,
    new_fingerprint text not null,
    record_keys bigint not null,
    actor text not null
);

comment on table quality.key_rotation is '记录键密钥的更换：每次一行';
