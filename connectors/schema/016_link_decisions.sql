-- What people decided about mentions in doubt; every linking from then on obeys.

alter table quality.event
    alter column batch_id drop not null,
    drop constraint event_kind_check,
    add constraint event_kind_check check (kind in ('apply', 'release', 'refuse', 'decide')),
    add constraint event_batch_check check ((batch_id is null) = (kind = 'decide'));

-- one row per decision; who decided, why and when says its event
create table linkage.decision (
    decision_no bigint generated always as identity primary key,
    seq bigint not null unique references quality.event (seq),
    library text not null check (library in ('population', 'legal_entity')),
    -- open: an earlier decision holds no longer
    verdict text not null check (verdict in ('same', 'different', 'open')),
    -- the decision that this one takes the place of
    replaces bigint references linkage.decision (decision_no)
);

-- one row per decision and mention of either side, in the order in which they speak for it: the first one in force does
create table linkage.decision_mention (
    decision_no bigint not null,
    side text not null check (side in ('mention', 'candidate')),
    place integer not null,
    source_id smallint not null,
    mention_key uuid not null,
    primary key (decision_no, side, place)
);
create index on linkage.decision_mention (source_id, mention_key);

-- the keys of mentions change with the secret that they are made with, and go when a person is erased
create trigger append_only before update of decision_no, seq, library, verdict, replaces or delete or truncate
on linkage.decision for each statement execute function quality.refuse_change();
create trigger append_only before update of decision_no, side, place, source_id or truncate
on linkage.decision_mention for each statement execute function quality.refuse_change();

comment on table linkage.decision is '人工核查的决定：每次一行，只增不改';
comment on table linkage.decision_mention is '决定所涉的提及：待核查一方与候选一方，按次序由首个现行的提及代表';
