-- What the tables of a base library were last built by.

-- one row per base library; another version means computing all of it again
create table mart.library_build (
    library text primary key,
    -- hash of the declaration of survivorship, the library's models and the contracts that it rests on
    version text not null,
    built_at timestamptz not null
);

comment on table mart.library_build is '各基础库由哪一版规则建成';
