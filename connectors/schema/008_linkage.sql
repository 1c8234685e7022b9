-- Whom the records speak of: mentions taken from raw, the persons and entities they were linked to, and what changed.

create schema linkage;
create schema if not exists population;
create schema if not exists credit;
create schema if not exists licence;

-- Both are expressions without queries or stable functions, so that PostgreSQL folds them into what calls them.

-- says whether a text is a citizen number, or a permit of the same build, without fault (GB 11643-1999)
create function linkage.is_citizen_number(number text, as_of date) returns boolean
language sql immutable parallel safe as $$
    select case
        when
            number !~ '^[0-9]{6}[0-9]{4}(0[13578]|1[02])(0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]$'
            and number !~ '^[0-9]{6}[0-9]{4}(0[469]|11)(0[1-9]|[12][0-9]|30)[0-9]{3}[0-9X]$'
            and number !~ '^[0-9]{6}[0-9]{4}02(0[1-9]|1[0-9]|2[0-9])[0-9]{3}[0-9X]$'
            then false
        else substr(number, 15, 3) <> '000'
            and (
                substr(number, 11, 4) <> '0229'
                or (substr(number, 7, 4)::int % 4 = 0 and substr(number, 7, 4)::int % 100 <> 0)
                or substr(number, 7, 4)::int % 400 = 0
            )
            and substr(number, 7, 8)::int >= 18400101
            and substr(number, 7, 8)::int
            <= extract(year from as_of) * 10000 + extract(month from as_of) * 100 + extract(day from as_of)
            -- an ASCII digit is 48 more than its value, and the weights' sum is 100
            and substr(number, 18, 1) = substr('10X98765432', 1 + (
                ascii(substr(number, 1, 1)) * 7 + ascii(substr(number, 2, 1)) * 9
                + ascii(substr(number, 3, 1)) * 10 + ascii(substr(number, 4, 1)) * 5
                + ascii(substr(number, 5, 1)) * 8 + ascii(substr(number, 6, 1)) * 4
                + ascii(substr(number, 7, 1)) * 2 + ascii(substr(number, 8, 1)) * 1
                + ascii(substr(number, 9, 1)) * 6 + ascii(substr(number, 10, 1)) * 3
                + ascii(substr(number, 11, 1)) * 7 + ascii(substr(number, 12, 1)) * 9
                + ascii(substr(number, 13, 1)) * 10 + ascii(substr(number, 14, 1)) * 5
                + ascii(substr(number, 15, 1)) * 8 + ascii(substr(number, 16, 1)) * 4
                + ascii(substr(number, 17, 1)) * 2
                - 4800
            ) % 11, 1)
    end
$$;

-- says whether a text is a unified social credit code with a right check character (GB 32100-2015)
create function linkage.is_credit_code(code text) returns boolean
language sql immutable parallel safe as $$
    select case
        when code !~ '^[0-9A-HJ-NPQRTUWXY]{18}$' then false
        -- a place is one more than its value, and the weights' sum is 305
        else substr(code, 18, 1) = substr('0123456789ABCDEFGHJKLMNPQRTUWXY', 1 + (31 - (
            strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, 1, 1)) * 1
            + strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, 2, 1)) * 3
            + strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, 3, 1)) * 9
            + strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, 4, 1)) * 27
            + strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, 5, 1)) * 19
            + strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, 6, 1)) * 26
            + strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, 7, 1)) * 16
            + strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, 8, 1)) * 17
            + strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, 9, 1)) * 20
            + strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, 10, 1)) * 29
            + strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, 11, 1)) * 25
            + strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, 12, 1)) * 13
            + strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, 13, 1)) * 8
            + strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, 14, 1)) * 24
            + strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, 15, 1)) * 10
            + strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, 16, 1)) * 30
            + strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, 17, 1)) * 28
            - 305
        ) % 31) % 31, 1)
    end
$$;

-- one row per contract and role that speaks of persons or entities; numbers are never used again
create table linkage.source (
    source_id smallint generated always as identity primary key,
    library text not null check (library in ('population', 'legal_entity')),
    contract_id text not null,
    role text not null,
    unlinked text not null check (unlinked in ('own', 'none')),
    unique (contract_id, role)
);

-- one row per mention of a person in a record in force (or in the records of one holder, by the contract's grain)
create table linkage.person_mention (
    source_id smallint not null,
    -- the record's own key (rows on one key have different ones) where every record speaks for itself, else a hash of
    -- the grain's columns
    mention_key uuid not null,
    -- of the record in force that states it, the latest one of a holder
    record_key uuid not null,
    key_no smallint not null,
    batch_id bigint not null,
    row_no bigint not null,
    as_of date not null,
    id_no text,
    -- has a right check character and a real date: may identify a person
    is_id_usable boolean not null,
    name text,
    former_name text,
    sex text,
    birth_date date,
    division text,
    address text,
    phone text,
    household_no text,
    mother_id_no text,
    mother_name text,
    father_id_no text,
    father_name text,
    primary key (source_id, mention_key)
);

create index on linkage.person_mention (id_no) where id_no is not null;
create index on linkage.person_mention (name, substr(id_no, 7, 8));
create index on linkage.person_mention (former_name) where former_name is not null;
create index on linkage.person_mention (mother_id_no) where mother_id_no is not null;
create index on linkage.person_mention (father_id_no) where father_id_no is not null;
create index on linkage.person_mention (household_no) where household_no is not null;

-- one row per mention that does not stand by a number of its own: it has no usable one, or a contradicted one, or the
-- only evidence for its number is itself
create table linkage.person_weak (
    source_id smallint not null,
    mention_key uuid not null,
    -- the number where it stands for itself, else `source_id:mention_key`
    item text not null,
    primary key (source_id, mention_key)
);
create index on linkage.person_weak (item);

-- one row per weak mention and thing it has in common with whom it may be: a hash of a name and a date of birth, …
create table linkage.person_weak_key (
    key bigint not null,
    item text not null
);
create index on linkage.person_weak_key (key);
create index on linkage.person_weak_key (item);

-- one row per weak item (or number) and item (other number) that may be the same person: their weight, where it is enough
-- for a review
create table linkage.person_pair (
    item text not null,
    candidate text not null,
    -- log2 of the odds that they are the same person
    weight real not null,
    primary key (item, candidate)
);
create index on linkage.person_pair (candidate);

-- one row per mention of a legal entity or sole trader, as above
create table linkage.entity_mention (
    source_id smallint not null,
    mention_key uuid not null,
    record_key uuid not null,
    key_no smallint not null,
    batch_id bigint not null,
    row_no bigint not null,
    as_of date not null,
    uscc text,
    is_uscc_usable boolean not null,
    registration_no text,
    organisation_code text,
    tax_no text,
    name text,
    other_names text,
    legal_representative text,
    division text,
    address text,
    established_on date,
    primary key (source_id, mention_key)
);

-- one row per mention of an entity and code or name by which it may be compared (hashed): what a change can reach
create table linkage.entity_key (
    key bigint not null,
    source_id smallint not null,
    mention_key uuid not null
);
create index on linkage.entity_key (key);
create index on linkage.entity_key (source_id, mention_key);

-- one row per mention that was ever linked: the map of identities, kept when everything else is built again
create table linkage.person_link (
    source_id smallint not null,
    mention_key uuid not null,
    person_id uuid not null,
    -- number, model, own, decision … : how it was linked
    method text not null,
    -- log2 of the odds that it is the same person, where a model said so
    weight real,
    -- order in which mentions were first linked; the earliest one keeps its id when persons are merged or split
    first_no bigint generated always as identity,
    primary key (source_id, mention_key)
);
create index on linkage.person_link (person_id);

create table linkage.entity_link (
    source_id smallint not null,
    mention_key uuid not null,
    entity_id uuid not null,
    method text not null,
    weight real,
    first_no bigint generated always as identity,
    primary key (source_id, mention_key)
);
create index on linkage.entity_link (entity_id);

-- one row per person or entity that changed in any way; change_no grows, so that readers know what they have not seen
create sequence linkage.change_no;
create table linkage.person_change (
    person_id uuid primary key,
    change_no bigint not null
);
create index on linkage.person_change (change_no);
create table linkage.entity_change (
    entity_id uuid primary key,
    change_no bigint not null
);
create index on linkage.entity_change (change_no);

-- one row per merge or split of identities, as they happened
create table linkage.identity_event (
    event_no bigint generated always as identity primary key,
    library text not null check (library in ('population', 'legal_entity')),
    kind text not null check (kind in ('merge', 'split')),
    from_id uuid not null,
    to_id uuid not null,
    known_at bigint not null,
    happened_at timestamptz not null default clock_timestamp()
);

-- one row per library: how far its mentions and links follow raw
create table linkage.state (
    library text primary key check (library in ('population', 'legal_entity')),
    -- quality.event.seq up to which deliveries were taken in
    known_at bigint not null,
    -- version of contracts' mentions and of linkage parameters; another one means linking everything again
    version text not null
);

-- one row per mention that was linked to nobody although somebody may be meant, or whose number is contradicted
create table linkage.review (
    library text not null check (library in ('population', 'legal_entity')),
    source_id smallint not null,
    mention_key uuid not null,
    -- the person or entity that may be meant; a mention may have several
    candidate_id uuid not null,
    -- weak_evidence, several_candidates, number_contradicted, two_numbers, shared_code …
    reason text not null,
    weight real,
    primary key (library, source_id, mention_key, candidate_id)
);

-- deliveries append their closings: blocks of the table hold them by number
create index on quality.version_closing using brin (applied_seq);

comment on schema linkage is '身份归并：谁提到谁，归并到哪个自然人或法人';
comment on table linkage.source is '契约中的提及角色：每个契约每个角色一行';
comment on table linkage.person_mention is '对自然人的提及：每条现行记录每个角色一行';
comment on table linkage.entity_mention is '对法人及个体工商户的提及：每条现行记录每个角色一行';
comment on table linkage.entity_key is '主体提及可供比对的代码和名称（散列值）';
comment on table linkage.person_weak is '不能仅凭号码确定为谁的提及';
comment on table linkage.person_weak_key is '此类提及与可能的人相同之处（散列）';
comment on table linkage.person_pair is '可能为同一人的两项及其权重（以 2 为底的优势对数）';
comment on table linkage.person_link is '提及与自然人标识的对应：全量重算也保留';
comment on table linkage.entity_link is '提及与主体标识的对应：全量重算也保留';
comment on table linkage.identity_event is '标识的合并与拆分：每次一行';
comment on table linkage.review is '待核查：可能是同一人（主体）而未归并的提及';
