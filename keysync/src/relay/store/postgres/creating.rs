//! What is asked of the tables where a box is created.

use counterseal_core::time::Time;
use deadpool_postgres::{GenericClient, Object};

use super::statements::{FOUND, Result, all, capability, one, run, state};
use crate::relay::limits::Limits;
use crate::relay::store::{
    BoxNumber, BoxState, Claim, Creating, NewBox, Permission, StoreError, class_number, signed,
};

pub(super) async fn create(
    client: &mut Object,
    new: &NewBox,
    permission: Permission,
    is_full: bool,
    limits: &Limits,
    now: Time,
) -> Result<Creating> {
    let transaction = client.transaction().await?;
    // Two who create the same box go one after the other.
    one(&transaction, "select pg_advisory_xact_lock($1)", &[&lock_of(&new.id)]).await?;
    let claims = new.claims();
    let found = find_each(&transaction, &claims, now).await?;
    if let Some(there) = new.is_there(&found) {
        return Ok(there);
    }
    // A permission that is used up is not given back: what is full is found before.
    if is_full && permission != Permission::Denied {
        return Ok(Creating::Full);
    }
    if !permitted(&transaction, permission).await? {
        return Ok(Creating::Denied);
    }
    let number: i64 = match one(&transaction, "select nextval('relay_number')", &[]).await? {
        Some(row) => row.try_get(0)?,
        None => return Err(StoreError("the database counts no boxes".to_owned())),
    };
    for claim in claims {
        // The claims of a box that has ended, and was not swept yet, are taken over.
        run(
            &transaction,
            "insert into relay_claim(id, capability, hash, box) values($1, $2, $3, $4) \
             on conflict(id, capability, hash) do update set box = excluded.box",
            &[&&claim.id[..], &capability(claim.right), &&claim.hash.0[..], &number],
        )
        .await?;
    }
    let expires = limits.end(new.class, now);
    run(
        &transaction,
        "with counted as (insert into relay_change(boxes, objects, bytes) values(1, 0, 0)) \
         insert into relay_box(number, id, class, epoch, expires) values($1, $2, $3, $4, $5)",
        &[&number, &&new.id[..], &class_number(new.class), &new.epoch.cast_signed(), &expires],
    )
    .await?;
    transaction.commit().await?;
    Ok(Creating::Created(new.state(BoxNumber(number), expires)))
}

/// What the claims of a box to be created find, in one statement: a box that is removed meanwhile is there for all of
/// them or for none.
async fn find_each(
    client: &impl GenericClient,
    claims: &[Claim; 3],
    now: Time,
) -> Result<[Option<BoxState>; 3]> {
    let [read, write, admin] = claims;
    let sql = ["0 and c.hash = $3", "1 and c.hash = $4", "2 and c.hash = $5"]
        .map(|claim| format!("{FOUND} and c.capability = {claim}"))
        .join(" union all ");
    let rows = all(
        client,
        &sql,
        &[&&read.id[..], &now.unix_seconds(), &&read.hash.0[..], &&write.hash.0[..], &&admin.hash.0[..]],
    )
    .await?;
    let mut found = [None; 3];
    for row in &rows {
        let right: i16 = row.try_get(7)?;
        let of_claim = claims.iter().position(|claim| capability(claim.right) == right);
        if let Some(place) = of_claim.and_then(|position| found.get_mut(position)) {
            *place = Some(state(row)?);
        }
    }
    Ok(found)
}

/// The number of the lock that stands for a name: names are random.
fn lock_of(id: &[u8; 16]) -> i64 {
    id.first_chunk::<8>().map_or(0, |first| i64::from_be_bytes(*first))
}

/// Counts a box that is about to be created.
async fn permitted(client: &impl GenericClient, permission: Permission) -> Result<bool> {
    match permission {
        Permission::Denied => Ok(false),
        Permission::Free => Ok(true),
        Permission::Counted { grant, boxes } => {
            let counted = run(
                client,
                "insert into relay_used as u(id, boxes) select $1, 1 where $2 > 0::bigint \
                 on conflict(id) do update set boxes = u.boxes + 1 where u.boxes < $2",
                &[&&grant[..], &signed(boxes)],
            )
            .await?;
            Ok(counted == 1)
        }
    }
}
