-- What is opened to the public, its releases, and what each release of a table of counts said and withheld (ADR 30).

create schema if not exists open_data;
create schema if not exists disclosure;

-- one row per data set that the warehouse opens
create table catalogue.open_dataset (
    dataset_id text primary key,
    kind text not null check (kind in ('record', 'aggregate')),
    title text not null,
    description text not null,
    open_category text not null,
    department text not null,
    publisher text not null,
    update_cycle text not null
);

-- one row per release of an open data set: only when its content is another
create table catalogue.open_release (
    release_id bigint generated always as identity primary key,
    dataset_id text not null,
    as_of date not null,
    released_at timestamptz not null,
    released_by text not null,
    record_count bigint not null,
    -- of a table of counts: the figures that are not published
    suppressed_count bigint,
    -- one object per format: format, name, bytes, sha256
    files jsonb not null
);
create index on catalogue.open_release (dataset_id, release_id);

-- one row per release of a table of counts: what is counted, and the SHA-256 of how
create table disclosure.release (
    release_id bigint primary key,
    dataset_id text not null,
    counted_relation text not null,
    definition_sha256 text not null
);

-- one row per release of a table of counts and figure; read by its owner only: what is not published is confidential
create table disclosure.figure (
    release_id bigint not null references disclosure.release (release_id),
    figure_no integer not null,
    labels text[] not null,
    value bigint not null,
    is_published boolean not null,
    primary key (release_id, figure_no)
);

create trigger append_only before update or delete or truncate on catalogue.open_release
for each statement execute function quality.refuse_change();
create trigger append_only before update or delete or truncate on disclosure.release
for each statement execute function quality.refuse_change();
create trigger append_only before update or delete or truncate on disclosure.figure
for each statement execute function quality.refuse_change();

-- one row per open data set that was released: its latest release
create view catalogue.open_data as
select
    dataset.dataset_id,
    dataset.kind,
    dataset.title,
    dataset.description,
    dataset.open_category,
    dataset.department,
    dataset.publisher,
    dataset.update_cycle,
    latest.as_of,
    releases.issued_on,
    latest.released_at,
    releases.release_no,
    latest.release_id,
    latest.record_count,
    latest.suppressed_count,
    latest.files
from catalogue.open_dataset as dataset
inner join lateral (
    select open_release.*
    from catalogue.open_release
    where open_release.dataset_id = dataset.dataset_id
    order by open_release.release_id desc
    limit 1
) as latest on true
inner join lateral (
    select
        min((open_release.released_at at time zone 'Asia/Shanghai')::date) as issued_on,
        count(*) as release_no
    from catalogue.open_release
    where open_release.dataset_id = dataset.dataset_id
) as releases on true;

comment on table catalogue.open_dataset is '本仓库向社会开放的数据集';
comment on table catalogue.open_release is '开放数据集的历次发布：内容有变才另发，只增不改';
comment on view catalogue.open_data is '开放数据集及其最近一次发布';
comment on table disclosure.release is '开放统计表的历次计数：统计什么、口径的 SHA-256';
comment on table disclosure.figure is '开放统计表历次发布的各个数，含不公布的；仅供控制泄露之用，不得查询共享';

select quality.chain_table('catalogue.open_release', 'release_id',
    'dataset_id,as_of,released_at,released_by,record_count,suppressed_count,files');
