-- What intake keeps about a delivery beyond its figures.

alter table quality.batch
    -- keyed hash of where a delivery lay, its names, contents and declarations: finds it again after a kill
    add column delivery_key text,
    -- its files are archived and gone from the inbox
    add column is_taken boolean not null default true,
    -- records in force within the delivered scope at its as-of date, before it
    add column rows_in_force bigint,
    -- the clock at which the split into new, changed, unchanged and withdrawn was computed
    add column split_seq bigint,
    -- its receipts are written; null while it still needs an answer
    add column answered_at timestamptz;

create unique index on quality.batch (delivery_key) where not is_taken;
create index on quality.batch (status) where status in ('received', 'staged', 'held');
