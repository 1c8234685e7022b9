-- How far each incremental model of the base libraries follows linkage and raw.

-- one row per incremental model; what has a higher number is recomputed with its next build
create table mart.model_watermark (
    model text primary key,
    -- linkage.*_change.change_no up to which persons and entities were taken in
    change_no bigint not null,
    -- quality.event.seq up to which versions and closings in raw were taken in
    applied_seq bigint not null
);

comment on table mart.model_watermark is '各增量模型已处理到的变更序号：更大的在下次构建时重算';
