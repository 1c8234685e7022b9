-- keys of what weak mentions have in common are digests that PostgreSQL and DuckDB make alike; the next linking,
-- whose rules have another version, fills the table
truncate linkage.person_weak_key;
drop index linkage.person_weak_key_key_idx;
alter table linkage.person_weak_key alter column key type uuid using null::uuid;
create index on linkage.person_weak_key (key);
