-- The tables of a relay in PostgreSQL 14 and newer. Several processes begin at once: one makes what is not there.
begin;
select pg_advisory_xact_lock(4848384731);
do $$
begin
    if to_regclass('relay_box') is not null then
        return;
    end if;

    create table relay_version(version integer not null);
    insert into relay_version values(1);
    create sequence relay_number;

    -- What is searched by a capability: right 0 reads, 1 writes, 2 removes.
    create table relay_claim(
        id bytea not null, capability smallint not null, hash bytea not null, box bigint not null,
        primary key(id, capability, hash)) partition by hash(id);
    create table relay_box(
        number bigint primary key,
        id bytea not null, class smallint not null, epoch bigint not null, expires bigint not null,
        last bigint not null default 0, objects bigint not null default 0, bytes bigint not null default 0,
        day bigint not null default 0, puts bigint not null default 0) partition by hash(number);
    -- The body is here, or in the object store under a key.
    create table relay_object(
        box bigint not null, sequence bigint not null, name bytea not null, bytes bigint not null,
        body bytea, key bytea,
        primary key(box, sequence), unique(box, name)) partition by hash(box);
    for part in 0..15 loop
        execute format('create table relay_claim_%s partition of relay_claim for values with (modulus 16, remainder %s)', part, part);
        execute format('create table relay_box_%s partition of relay_box for values with (modulus 16, remainder %s)', part, part);
        -- Bodies are random: compressing them takes time and gains nothing.
        execute format('create table relay_object_%s partition of relay_object for values with (modulus 16, remainder %s)', part, part);
        execute format('alter table relay_object_%s alter column body set storage external', part);
    end loop;
    create index relay_box_expires on relay_box(expires);

    -- Bodies in the object store that no object has, and since when.
    create table relay_stray(key bytea primary key, since bigint not null);
    create index relay_stray_since on relay_stray(since);
    -- How many boxes were created with an invite, or by an account.
    create table relay_used(id bytea primary key, boxes bigint not null);
end
$$;
do $$
begin
    if to_regclass('relay_change') is not null then
        return;
    end if;

    -- What each write changes in the sums over all boxes; now and then one row is made of many. Rows are added and never
    -- changed, so that writes to different boxes do not wait for each other.
    create table relay_change(boxes bigint not null, objects bigint not null, bytes bigint not null);
    -- It has no key, and replication of deleted rows asks for something in its place.
    alter table relay_change replica identity full;
    -- Boxes that were there before this table are counted, and nobody writes meanwhile.
    lock table relay_box in share row exclusive mode;
    insert into relay_change select count(*), coalesce(sum(objects), 0), coalesce(sum(bytes), 0) from relay_box;
end
$$;
commit;
