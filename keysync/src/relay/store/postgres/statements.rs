//! What is asked of the tables, but for the beginning and the end of boxes.

use counterseal_core::time::Time;
use deadpool_postgres::{GenericClient, Object};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::relay::limits::Limits;
use crate::relay::protocol::{Right, day};
use crate::relay::store::{
    BoxNumber, BoxState, Claim, Kept, Putting, Standing, StoreError, class_of, signed, unsigned,
};
use crate::transport::ObjectName;

pub(super) type Result<T> = std::result::Result<T, StoreError>;
type Values<'v> = &'v [&'v (dyn ToSql + Sync)];

/// An object to be kept.
pub(super) struct NewObject {
    pub(super) number: BoxNumber,
    pub(super) name: ObjectName,
    pub(super) bytes: u64,
    pub(super) now: Time,
    /// Whether the relay is too full for it.
    pub(super) is_full: bool,
}

pub(super) const fn capability(right: Right) -> i16 {
    match right {
        Right::Read => 0,
        Right::Write => 1,
        Right::Admin => 2,
    }
}

pub(super) async fn one(client: &impl GenericClient, sql: &str, values: Values<'_>) -> Result<Option<Row>> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query_opt(&statement, values).await?)
}

pub(super) async fn all(client: &impl GenericClient, sql: &str, values: Values<'_>) -> Result<Vec<Row>> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, values).await?)
}

pub(super) async fn run(client: &impl GenericClient, sql: &str, values: Values<'_>) -> Result<u64> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, values).await?)
}

pub(super) fn count(row: &Row, column: usize) -> Result<u64> {
    Ok(unsigned(row.try_get(column)?))
}

/// The box of a claim.
pub(super) const FOUND: &str = "select b.number, b.class, b.epoch, b.last, b.objects, b.bytes, b.expires, c.capability \
                     from relay_claim c join relay_box b on b.number = c.box where c.id = $1 and b.expires > $2";

pub(super) async fn find(client: &impl GenericClient, claim: &Claim, now: Time) -> Result<Option<BoxState>> {
    let row = one(
        client,
        &format!("{FOUND} and c.capability = $3 and c.hash = $4"),
        &[&&claim.id[..], &now.unix_seconds(), &capability(claim.right), &&claim.hash.0[..]],
    )
    .await?;
    row.map(|row| state(&row)).transpose()
}

pub(super) fn state(row: &Row) -> Result<BoxState> {
    Ok(BoxState {
        number: BoxNumber(row.try_get(0)?),
        class: class_of(row.try_get(1)?),
        epoch: row.try_get::<_, i64>(2)?.cast_unsigned(),
        last: count(row, 3)?,
        objects: count(row, 4)?,
        bytes: count(row, 5)?,
        expires: row.try_get(6)?,
    })
}

pub(super) async fn note_read(client: &Object, number: BoxNumber, expires: i64) -> Result<u64> {
    // A box that was removed ended in 1970.
    run(
        client,
        "update relay_box set expires = $2 where number = $1 and expires > 0 and expires < $2",
        &[&number.0, &expires],
    )
    .await
}

/// What the limits say now, outside of a transaction.
pub(super) async fn would_refuse(
    client: &Object,
    put: &NewObject,
    limits: &Limits,
) -> Result<Option<Putting>> {
    let Some((standing, _)) = standing(client, put, "").await? else { return Ok(Some(Putting::Gone)) };
    if let Some(sequence) = sequence(client, put).await? {
        return Ok(Some(Putting::WasThere(sequence)));
    }
    Ok(standing.refuses(put.bytes, put.is_full, limits))
}

/// Keeps an object whose body is here, or in the object store under a key.
pub(super) async fn put(
    client: &mut Object,
    put: &NewObject,
    body: Option<&[u8]>,
    key: Option<&[u8]>,
    limits: &Limits,
) -> Result<Putting> {
    let transaction = client.transaction().await?;
    // From here on the box is ours: numbers and limits of one box go one after the other.
    let Some((standing, last)) = standing(&transaction, put, " for update").await? else {
        return Ok(Putting::Gone);
    };
    if let Some(sequence) = sequence(&transaction, put).await? {
        return Ok(Putting::WasThere(sequence));
    }
    if let Some(refused) = standing.refuses(put.bytes, put.is_full, limits) {
        return Ok(refused);
    }
    let next = last + 1;
    run(
        &transaction,
        "with kept as (insert into relay_object(box, sequence, name, bytes, body, key) values($1, $2, $3, $4, $5, $6)), \
         known as (delete from relay_stray where key = $6), \
         counted as (insert into relay_change(boxes, objects, bytes) values(0, 1, $4)) \
         update relay_box set last = $2, objects = objects + 1, bytes = bytes + $4, day = $7, puts = $8 \
         where number = $1",
        &[
            &put.number.0,
            &signed(next),
            &&put.name.as_bytes()[..],
            &signed(put.bytes),
            &body,
            &key,
            &day(put.now),
            &signed(standing.puts_today + 1),
        ],
    )
    .await?;
    transaction.commit().await?;
    Ok(Putting::Kept(next))
}

async fn standing(
    client: &impl GenericClient,
    put: &NewObject,
    lock: &str,
) -> Result<Option<(Standing, u64)>> {
    let sql = format!(
        "select class, objects, bytes, case when day = $2 then puts else 0 end, last from relay_box \
         where number = $1 and expires > $3{lock}"
    );
    let row = one(client, &sql, &[&put.number.0, &day(put.now), &put.now.unix_seconds()]).await?;
    row.map(|row| {
        let standing = Standing {
            class: class_of(row.try_get(0)?),
            objects: count(&row, 1)?,
            bytes: count(&row, 2)?,
            puts_today: count(&row, 3)?,
        };
        Ok((standing, count(&row, 4)?))
    })
    .transpose()
}

async fn sequence(client: &impl GenericClient, put: &NewObject) -> Result<Option<u64>> {
    let row = one(
        client,
        "select sequence from relay_object where box = $1 and name = $2",
        &[&put.number.0, &&put.name.as_bytes()[..]],
    )
    .await?;
    row.map(|row| count(&row, 0)).transpose()
}

pub(super) async fn list(client: &Object, number: BoxNumber, after: u64, most: u64) -> Result<Vec<Kept>> {
    let rows = all(
        client,
        "select sequence, name, bytes from relay_object where box = $1 and sequence > $2 order by sequence limit $3",
        &[&number.0, &signed(after), &signed(most)],
    )
    .await?;
    rows.iter()
        .map(|row| {
            let name = <[u8; 32]>::try_from(row.try_get::<_, &[u8]>(1)?)
                .map_err(|_| StoreError("database: a name of another length".to_owned()))?;
            Ok(Kept { sequence: count(row, 0)?, name: ObjectName::from_bytes(name), bytes: count(row, 2)? })
        })
        .collect()
}

/// The body of an object, or the key of its body.
pub(super) async fn get(
    client: &Object,
    number: BoxNumber,
    name: &ObjectName,
) -> Result<Option<(Option<Vec<u8>>, Option<Vec<u8>>)>> {
    let row = one(
        client,
        "select body, key from relay_object where box = $1 and name = $2",
        &[&number.0, &&name.as_bytes()[..]],
    )
    .await?;
    row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
}

pub(super) async fn length(client: &Object, number: BoxNumber, name: &ObjectName) -> Result<Option<u64>> {
    let sql = "select bytes from relay_object where box = $1 and name = $2";
    let row = one(client, sql, &[&number.0, &&name.as_bytes()[..]]).await?;
    row.map(|row| count(&row, 0)).transpose()
}

pub(super) async fn remove(client: &mut Object, number: BoxNumber, name: &ObjectName) -> Result<()> {
    let transaction = client.transaction().await?;
    // The box first, as in a put: two transactions never wait for each other.
    one(&transaction, "select number from relay_box where number = $1 for update", &[&number.0]).await?;
    run(
        &transaction,
        "with gone as (delete from relay_object where box = $1 and name = $2 returning bytes, key), \
         stray as (insert into relay_stray(key, since) select key, 0 from gone where key is not null), \
         counted as (insert into relay_change(boxes, objects, bytes) select 0, -1, -bytes from gone) \
         update relay_box set objects = objects - 1, bytes = relay_box.bytes - gone.bytes from gone where number = $1",
        &[&number.0, &&name.as_bytes()[..]],
    )
    .await?;
    Ok(transaction.commit().await?)
}

/// The box ends now; what is in it goes with the next sweeps.
pub(super) async fn remove_box(client: &Object, number: BoxNumber) -> Result<u64> {
    run(client, "update relay_box set expires = 0 where number = $1", &[&number.0]).await
}

/// Notes a body before it is sent to the object store: should nothing come of it, it is removed.
pub(super) async fn note_stray(client: &Object, key: &[u8], now: Time) -> Result<u64> {
    run(client, "insert into relay_stray(key, since) values($1, $2)", &[&key, &now.unix_seconds()]).await
}

/// A body that came to no object goes with the next sweep.
pub(super) async fn forget_stray(client: &Object, key: &[u8]) -> Result<u64> {
    run(client, "update relay_stray set since = 0 where key = $1", &[&key]).await
}
