-- Whom mentions meant before: a run, and whoever computes it again, reads links as they were known to it.

-- one row per mention and linking that changed whom it means
create table linkage.person_link_history (
    source_id smallint not null,
    mention_key uuid not null,
    -- whom it meant until then; null: nobody
    person_id uuid,
    -- quality.event.seq from which on something else is known
    known_to bigint not null,
    primary key (source_id, known_to, mention_key)
);
create index on linkage.person_link_history (person_id);

create table linkage.entity_link_history (
    source_id smallint not null,
    mention_key uuid not null,
    entity_id uuid,
    known_to bigint not null,
    primary key (source_id, known_to, mention_key)
);
create index on linkage.entity_link_history (entity_id);

comment on table linkage.person_link_history is '提及以前对应的自然人：每次改变一行，写明到何时为止';
comment on table linkage.entity_link_history is '提及以前对应的主体：每次改变一行，写明到何时为止';
