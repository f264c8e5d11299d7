//! What is asked of the tables. Each function is one request's part of a transaction.

use counterseal_core::time::Time;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::limits::{SWEEP_BOXES, SWEEP_OBJECTS};
use crate::relay::limits::Limits;
use crate::relay::protocol::{Right, day};
use crate::relay::store::{
    BoxNumber, BoxState, Claim, Creating, Kept, NewBox, Permission, Putting, Standing, Sums, class_number,
    class_of, signed, unsigned,
};
use crate::transport::ObjectName;

type Written<T> = rusqlite::Result<(T, Sums)>;

const NOTHING: Sums = Sums::NOTHING;

pub(super) fn find(connection: &Connection, claim: &Claim, now: Time) -> rusqlite::Result<Option<BoxState>> {
    let sql = match claim.right {
        Right::Read => {
            "select number, class, epoch, last, objects, bytes, expires from box \
             where id = ? and read = ? and expires > ?"
        }
        Right::Write => {
            "select number, class, epoch, last, objects, bytes, expires from box \
             where id = ? and write = ? and expires > ?"
        }
        Right::Admin => {
            "select number, class, epoch, last, objects, bytes, expires from box \
             where id = ? and admin = ? and expires > ?"
        }
    };
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_row(params![claim.id, claim.hash.0, now.unix_seconds()], state).optional()
}

fn state(row: &Row<'_>) -> rusqlite::Result<BoxState> {
    Ok(BoxState {
        number: BoxNumber(row.get(0)?),
        class: class_of(row.get(1)?),
        epoch: row.get::<_, i64>(2)?.cast_unsigned(),
        last: count(row, 3)?,
        objects: count(row, 4)?,
        bytes: count(row, 5)?,
        expires: row.get(6)?,
    })
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(unsigned)
}

pub(super) fn create(
    connection: &Connection,
    new: &NewBox,
    permission: Permission,
    is_full: bool,
    limits: &Limits,
    now: Time,
) -> Written<Creating> {
    let found = new.claims().map(|claim| find(connection, &claim, now));
    let [read, write, admin] = found;
    let found = [read?, write?, admin?];
    if let Some(there) = new.is_there(&found) {
        return Ok((there, NOTHING));
    }
    // A permission that is used up is not given back: what is full is found before.
    if is_full && permission != Permission::Denied {
        return Ok((Creating::Full, NOTHING));
    }
    if !permitted(connection, permission)? {
        return Ok((Creating::Denied, NOTHING));
    }
    make_room(connection, new)?;
    let expires = limits.end(new.class, now);
    let [read, write, admin] = new.hashes.map(|hash| hash.0);
    connection
        .prepare_cached(
            "insert into box(id, read, write, admin, class, epoch, expires) values(?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            new.id,
            read,
            write,
            admin,
            class_number(new.class),
            new.epoch.cast_signed(),
            expires
        ])?;
    let number = BoxNumber(connection.last_insert_rowid());
    Ok((Creating::Created(new.state(number, expires)), Sums::ONE_BOX))
}

/// Counts a box that is about to be created.
fn permitted(connection: &Connection, permission: Permission) -> rusqlite::Result<bool> {
    match permission {
        Permission::Denied => Ok(false),
        Permission::Free => Ok(true),
        Permission::Counted { grant, boxes } => {
            let counted = connection
                .prepare_cached(
                    "insert into used(id, boxes) select ?1, 1 where ?2 > 0 \
                     on conflict(id) do update set boxes = boxes + 1 where boxes < ?2",
                )?
                .execute(params![grant, signed(boxes)])?;
            Ok(counted == 1)
        }
    }
}

/// A box of this name that has ended, and was not swept yet, gets a name that nobody knows.
fn make_room(connection: &Connection, new: &NewBox) -> rusqlite::Result<()> {
    let [read, write, admin] = new.hashes.map(|hash| hash.0);
    connection
        .prepare_cached(
            "update box set id = randomblob(16) where id = ?1 and (read = ?2 or write = ?3 or admin = ?4)",
        )?
        .execute(params![new.id, read, write, admin])
        .map(|_| ())
}

pub(super) fn note_read(connection: &Connection, number: BoxNumber, expires: i64) -> Written<()> {
    // A box that was removed ended in 1970.
    connection
        .prepare_cached("update box set expires = ?2 where number = ?1 and expires > 0 and expires < ?2")?
        .execute(params![number.0, expires])
        .map(|_| ((), NOTHING))
}

pub(super) fn put(
    connection: &Connection,
    number: BoxNumber,
    object: (&ObjectName, &[u8]),
    is_full: bool,
    limits: &Limits,
    now: Time,
) -> Written<Putting> {
    let (name, body) = object;
    let Some((standing, last)) = standing(connection, number, now)? else {
        return Ok((Putting::Gone, NOTHING));
    };
    let there = connection
        .prepare_cached("select sequence from object where box = ? and name = ?")?
        .query_row(params![number.0, name.as_bytes()], |row| count(row, 0))
        .optional()?;
    if let Some(sequence) = there {
        return Ok((Putting::WasThere(sequence), NOTHING));
    }
    let bytes = body.len() as u64;
    if let Some(refused) = standing.refuses(bytes, is_full, limits) {
        return Ok((refused, NOTHING));
    }
    let sequence = last + 1;
    connection
        .prepare_cached("insert into object(box, sequence, name, bytes, body) values(?, ?, ?, ?, ?)")?
        .execute(params![number.0, signed(sequence), name.as_bytes(), signed(bytes), body])?;
    connection
        .prepare_cached(
            "update box set last = ?2, objects = objects + 1, bytes = bytes + ?3, day = ?4, puts = ?5 \
             where number = ?1",
        )?
        .execute(params![
            number.0,
            signed(sequence),
            signed(bytes),
            day(now),
            signed(standing.puts_today + 1)
        ])?;
    Ok((Putting::Kept(sequence), Sums::one_object(bytes)))
}

/// What a box has, and the number of its newest object.
fn standing(
    connection: &Connection,
    number: BoxNumber,
    now: Time,
) -> rusqlite::Result<Option<(Standing, u64)>> {
    connection
        .prepare_cached(
            "select class, objects, bytes, iif(day = ?2, puts, 0), last from box \
             where number = ?1 and expires > ?3",
        )?
        .query_row(params![number.0, day(now), now.unix_seconds()], |row| {
            let standing = Standing {
                class: class_of(row.get(0)?),
                objects: count(row, 1)?,
                bytes: count(row, 2)?,
                puts_today: count(row, 3)?,
            };
            Ok((standing, count(row, 4)?))
        })
        .optional()
}

pub(super) fn list(
    connection: &Connection,
    number: BoxNumber,
    after: u64,
    most: u64,
) -> rusqlite::Result<Vec<Kept>> {
    let mut statement = connection.prepare_cached(
        "select sequence, name, bytes from object where box = ? and sequence > ? order by sequence limit ?",
    )?;
    let kept = statement.query_map(params![number.0, signed(after), signed(most)], |row| {
        let name = ObjectName::from_bytes(row.get(1)?);
        Ok(Kept { sequence: count(row, 0)?, name, bytes: count(row, 2)? })
    })?;
    kept.collect()
}

pub(super) fn length(
    connection: &Connection,
    number: BoxNumber,
    name: &ObjectName,
) -> rusqlite::Result<Option<u64>> {
    connection
        .prepare_cached("select bytes from object where box = ? and name = ?")?
        .query_row(params![number.0, name.as_bytes()], |row| count(row, 0))
        .optional()
}

pub(super) fn get(
    connection: &Connection,
    number: BoxNumber,
    name: &ObjectName,
) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("select body from object where box = ? and name = ?")?
        .query_row(params![number.0, name.as_bytes()], |row| row.get(0))
        .optional()
}

pub(super) fn remove(connection: &Connection, number: BoxNumber, name: &ObjectName) -> Written<()> {
    let removed: Option<i64> = connection
        .prepare_cached("delete from object where box = ? and name = ? returning bytes")?
        .query_row(params![number.0, name.as_bytes()], |row| row.get(0))
        .optional()?;
    let Some(bytes) = removed else { return Ok(((), NOTHING)) };
    connection
        .prepare_cached("update box set objects = objects - 1, bytes = bytes - ?2 where number = ?1")?
        .execute(params![number.0, bytes])?;
    Ok(((), -Sums::one_object(unsigned(bytes))))
}

/// The box ends now; what is in it goes with the next sweeps.
pub(super) fn remove_box(connection: &Connection, number: BoxNumber) -> Written<()> {
    connection
        .prepare_cached("update box set expires = 0 where number = ?")?
        .execute([number.0])
        .map(|_| ((), NOTHING))
}

/// Removes some of what has ended, so that no writer waits long: how many boxes and objects.
pub(super) fn sweep(connection: &Connection, now: Time) -> Written<u64> {
    let ended: Vec<i64> = connection
        .prepare_cached("select number from box where expires <= ? limit ?")?
        .query_map(params![now.unix_seconds(), signed(SWEEP_BOXES)], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let (mut changed, mut room) = (NOTHING, SWEEP_OBJECTS);
    for number in ended {
        let (objects, bytes) = remove_objects(connection, number, room)?;
        changed -= Sums { boxes: 0, objects, bytes };
        room = room.saturating_sub(objects.unsigned_abs());
        if room == 0 {
            break;
        }
        connection.prepare_cached("delete from box where number = ?")?.execute([number])?;
        changed -= Sums::ONE_BOX;
    }
    Ok((changed.boxes.unsigned_abs() + changed.objects.unsigned_abs(), changed))
}

/// How many were removed, and their bytes.
fn remove_objects(connection: &Connection, number: i64, most: u64) -> rusqlite::Result<(i64, i64)> {
    let mut statement = connection.prepare_cached(
        "delete from object where number in (select number from object where box = ? limit ?) returning bytes",
    )?;
    let removed = statement.query_map(params![number, signed(most)], |row| row.get::<_, i64>(0))?;
    let removed: Vec<i64> = removed.collect::<Result<_, _>>()?;
    let objects = i64::try_from(removed.len()).unwrap_or(i64::MAX);
    // The rest is summed up in the box, in case it is counted again before it is gone.
    connection
        .prepare_cached("update box set objects = objects - ?2, bytes = bytes - ?3 where number = ?1")?
        .execute(params![number, objects, removed.iter().sum::<i64>()])?;
    Ok((objects, removed.iter().sum()))
}
