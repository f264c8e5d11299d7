//! The sums over all boxes, in a table to which each write adds what it changes.

use deadpool_postgres::Object;
use tokio_postgres::Row;

use super::statements::{Result, count, one, run};
use crate::relay::store::{StoreError, Sums};

/// The lock of who sums up: beside that of who makes the tables.
const SUM_LOCK: i64 = 4_848_384_732;

/// The sums over all boxes, and in how many rows they are.
pub(super) async fn read(client: &Object) -> Result<(Sums, u64)> {
    let sql = "select coalesce(sum(boxes), 0)::bigint, coalesce(sum(objects), 0)::bigint, \
               coalesce(sum(bytes), 0)::bigint, count(*) from relay_change";
    match one(client, sql, &[]).await? {
        Some(row) => Ok((sums_of(&row)?, count(&row, 3)?)),
        None => Err(StoreError("the database counts nothing".to_owned())),
    }
}

/// Makes one row of many. What is written meanwhile stays beside it; two processes do it one after the other.
pub(super) async fn sum_up(client: &Object) -> Result<u64> {
    run(
        client,
        "with gone as (delete from relay_change where (select pg_try_advisory_xact_lock($1)) \
         returning boxes, objects, bytes) \
         insert into relay_change(boxes, objects, bytes) \
         select sum(boxes)::bigint, sum(objects)::bigint, sum(bytes)::bigint from gone having count(*) > 0",
        &[&SUM_LOCK],
    )
    .await
}

pub(super) fn sums_of(row: &Row) -> Result<Sums> {
    Ok(Sums { boxes: row.try_get(0)?, objects: row.try_get(1)?, bytes: row.try_get(2)? })
}
