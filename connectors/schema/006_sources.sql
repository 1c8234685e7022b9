-- What was pulled from databases and HTTP interfaces, and how far each of them is known.

-- one row per pull that reached the source's end
create table quality.source_pull (
    pull_id bigint generated always as identity primary key,
    department text not null,
    extract text not null,
    -- changes when the contract asks the source for other rows
    source_digest text not null,
    pulled_at timestamptz not null,
    as_of date not null,
    outcome text not null check (outcome in ('delivered', 'unchanged', 'empty')),
    row_count bigint not null,
    -- of what was delivered; its batch has the same name and hash
    file_name text,
    sha256 text,
    -- newest value of the watermark column among the rows, as the source compares them
    watermark_kind text check (watermark_kind in ('number', 'date', 'datetime', 'text')),
    watermark text,
    check ((outcome = 'delivered') = (file_name is not null and sha256 is not null)),
    check ((watermark_kind is null) = (watermark is null))
);
create index on quality.source_pull (department, extract, pull_id);
create index on quality.batch (file_name);

-- one row per delivery that a pull made, with what became of it; without a batch it waits in the inbox or was lost
create view quality.source_delivery as
select
    pull.pull_id,
    pull.department,
    pull.extract,
    pull.source_digest,
    pull.pulled_at,
    pull.as_of,
    pull.row_count,
    pull.file_name,
    pull.watermark_kind,
    pull.watermark,
    batch.batch_id,
    batch.status,
    -- its rows are in raw
    coalesce(batch.status in ('accepted', 'accepted_with_issues', 'duplicate'), false) as is_in
from quality.source_pull as pull
left join lateral (
    select
        found.batch_id,
        found.status
    from quality.batch as found
    where
        found.file_name = pull.file_name
        and found.sha256 = pull.sha256
        and found.department = pull.department
        and found.extract = pull.extract
    order by found.batch_id desc
    limit 1
) as batch on true
where pull.outcome = 'delivered';

-- one row per source: when it was read last, and the watermark of the last delivery whose rows are in raw
create view quality.source_state as
select
    latest.department || '__' || latest.extract as contract_id,
    latest.pulled_at,
    latest.outcome,
    latest.row_count,
    known.watermark,
    known.pulled_at as watermark_pulled_at,
    known.batch_id as watermark_batch_id
from (
    select distinct on (department, extract) *
    from quality.source_pull
    order by department, extract, pull_id desc
) as latest
left join lateral (
    select
        delivery.watermark,
        delivery.pulled_at,
        delivery.batch_id
    from quality.source_delivery as delivery
    where
        delivery.department = latest.department
        and delivery.extract = latest.extract
        and delivery.source_digest = latest.source_digest
        and delivery.is_in
        and delivery.watermark is not null
    order by delivery.pull_id desc
    limit 1
) as known on true;

comment on table quality.source_pull is '每次从数据库或接口读取，一行';
comment on view quality.source_delivery is '由读取产生的每次报送，及其批次与结果';
comment on view quality.source_state is '每个来源：最近一次读取，和已入库到哪里（水位）';
