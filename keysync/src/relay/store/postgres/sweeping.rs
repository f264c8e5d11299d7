//! What is asked of the tables where things have ended.

use counterseal_core::time::Time;
use deadpool_postgres::{GenericClient, Object};

use super::bodies::Bodies;
use super::statements::{Result, all, one, run};
use super::sums::sums_of;
use crate::limits::{STRAY_SECONDS, SWEEP_BOXES, SWEEP_OBJECTS};
use crate::relay::store::{Sums, signed, unsigned};

/// Removes some of what has ended: how many boxes and objects. Another process takes other boxes.
pub(super) async fn sweep(client: &mut Object, now: Time) -> Result<u64> {
    let transaction = client.transaction().await?;
    let ended = all(
        &transaction,
        "select number, id from relay_box where expires <= $1 limit $2 for update skip locked",
        &[&now.unix_seconds(), &signed(SWEEP_BOXES)],
    )
    .await?;
    let (mut swept, mut room, mut gone) = (0, SWEEP_OBJECTS, Sums::NOTHING);
    for row in ended {
        let (number, id): (i64, &[u8]) = (row.try_get(0)?, row.try_get(1)?);
        let removed = remove_objects(&transaction, number, room).await?;
        swept += unsigned(removed.objects);
        room = room.saturating_sub(unsigned(removed.objects));
        gone += removed;
        if room == 0 {
            break;
        }
        run(&transaction, "delete from relay_claim where id = $1 and box = $2", &[&id, &number]).await?;
        let sql = "delete from relay_box where number = $1 returning 1::bigint, objects, bytes";
        gone += one(&transaction, sql, &[&number]).await?.map_or(Ok(Sums::NOTHING), |row| sums_of(&row))?;
        swept += 1;
    }
    if gone != Sums::NOTHING {
        let sql =
            "insert into relay_change(boxes, objects, bytes) values(-$1::bigint, -$2::bigint, -$3::bigint)";
        run(&transaction, sql, &[&gone.boxes, &gone.objects, &gone.bytes]).await?;
    }
    transaction.commit().await?;
    Ok(swept)
}

/// Removes some objects of a box that has ended.
async fn remove_objects(client: &impl GenericClient, number: i64, most: u64) -> Result<Sums> {
    let removed = one(
        client,
        "with batch as (select sequence from relay_object where box = $1 limit $2), \
         gone as (delete from relay_object where box = $1 and sequence in (select sequence from batch) \
         returning bytes, key), \
         stray as (insert into relay_stray(key, since) select key, 0 from gone where key is not null) \
         select 0::bigint, count(*), coalesce(sum(bytes), 0)::bigint from gone",
        &[&number, &signed(most)],
    )
    .await?;
    let removed = removed.map_or(Ok(Sums::NOTHING), |row| sums_of(&row))?;
    if removed != Sums::NOTHING {
        // The sums over all boxes are those of their rows, also when they are counted anew between two sweeps.
        run(
            client,
            "update relay_box set objects = objects - $2, bytes = bytes - $3 where number = $1",
            &[&number, &removed.objects, &removed.bytes],
        )
        .await?;
    }
    Ok(removed)
}

/// Removes bodies that no object has: how many.
pub(super) async fn sweep_strays(client: &mut Object, bodies: &Bodies, now: Time) -> Result<u64> {
    let transaction = client.transaction().await?;
    let strays = all(
        &transaction,
        "select key from relay_stray where since < $1 limit $2 for update skip locked",
        &[&(now.unix_seconds() - STRAY_SECONDS), &signed(SWEEP_BOXES)],
    )
    .await?;
    for row in &strays {
        let key: &[u8] = row.try_get(0)?;
        bodies.remove(key).await?;
        run(&transaction, "delete from relay_stray where key = $1", &[&key]).await?;
    }
    transaction.commit().await?;
    Ok(strays.len() as u64)
}
