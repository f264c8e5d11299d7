//! The nine states as a model that is searched in full: two sides, people, a network that loses, repeats and reorders,
//! and somebody who photographed the code. The cryptography is taken for granted; keysync/models has it.

use std::collections::BTreeSet;

use stateright::{Checker, Model, Property};

use super::*;

/// The states, without the reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Nine {
    Idle,
    Offered,
    Scanned,
    HelloSent,
    HelloRecv,
    AwaitGate,
    Granting,
    Done,
    Aborted,
}

fn nine(state: State) -> Nine {
    match state {
        State::Idle => Nine::Idle,
        State::Offered => Nine::Offered,
        State::Scanned => Nine::Scanned,
        State::HelloSent => Nine::HelloSent,
        State::HelloRecv => Nine::HelloRecv,
        State::AwaitGate => Nine::AwaitGate,
        State::Granting => Nine::Granting,
        State::Done => Nine::Done,
        State::Aborted(_) => Nine::Aborted,
    }
}

/// Who answered the offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Scanner {
    Honest,
    Photographer,
}

/// What is on the network, for good: it may come at any time, again, or never. Sealed ones are of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Sent {
    Offer,
    HelloS(Scanner),
    HelloD(Scanner),
    Seen(Scanner),
    ReadyByS(Scanner),
    ReadyByD(Scanner),
    Grant(Scanner),
    Done(Scanner),
    AbortByS(Scanner),
    AbortByD(Scanner),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    d: Nine,
    s: Nine,
    /// With whom D has its channel.
    peer: Option<Scanner>,
    net: BTreeSet<Sent>,
    typed: bool,
    wrong: u8,
    approved: bool,
    ready: bool,
    released_to: Option<Scanner>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Action {
    BeginD,
    BeginS,
    ToD(Sent),
    ToS(Sent),
    /// The person types what the other one of their own two screens shows, if it shows anything.
    Type,
    /// The person, or somebody else, types something else.
    Mistype,
    Approve,
    TimeD,
    TimeS,
    CancelD,
    CancelS,
    /// The photographer answers the offer, and goes on as S would.
    Photographer(Sent),
}

/// One direction.
struct Pair {
    new_shows: bool,
}

impl Pair {
    fn old(&self, world: &World) -> Nine {
        if self.new_shows { world.s } else { world.d }
    }

    /// The release gate, once more.
    fn release(&self, world: &mut World) {
        let proved = self.new_shows || world.typed;
        if self.old(world) == Nine::AwaitGate && proved && world.approved && world.ready {
            let to = if self.new_shows { Scanner::Honest } else { world.peer.unwrap() };
            world.released_to = Some(to);
            world.net.insert(Sent::Grant(to));
            *(if self.new_shows { &mut world.s } else { &mut world.d }) = Nine::Granting;
        }
    }

    fn to_d(&self, world: &mut World, sent: Sent) -> Option<()> {
        let channel = world.peer;
        match (world.d, sent) {
            (Nine::Offered, Sent::HelloS(scanner)) => {
                world.peer = Some(scanner);
                world.net.insert(Sent::HelloD(scanner));
                world.d = Nine::HelloRecv;
            }
            (Nine::HelloRecv, Sent::Seen(by)) if channel == Some(by) => world.d = Nine::AwaitGate,
            (Nine::HelloRecv | Nine::AwaitGate, Sent::ReadyByS(by))
                if !self.new_shows && channel == Some(by) && !world.ready =>
            {
                world.d = Nine::AwaitGate;
                world.ready = true;
                self.release(world);
            }
            (Nine::Granting, Sent::Grant(to)) if self.new_shows && channel == Some(to) => {
                world.net.insert(Sent::Done(to));
                world.d = Nine::Done;
            }
            (Nine::Granting, Sent::Done(by)) if !self.new_shows && channel == Some(by) => {
                world.d = Nine::Done
            }
            (Nine::HelloRecv | Nine::AwaitGate | Nine::Granting, Sent::AbortByS(by))
                if channel == Some(by) =>
            {
                world.d = self.called_off(world.d, true);
            }
            _ => return None,
        }
        Some(())
    }

    fn to_s(&self, world: &mut World, sent: Sent) -> Option<()> {
        let ours = Scanner::Honest;
        match (world.s, sent) {
            (Nine::Scanned, Sent::Offer) => {
                world.net.insert(Sent::HelloS(ours));
                world.s = Nine::HelloSent;
            }
            (Nine::HelloSent, Sent::HelloD(Scanner::Honest)) => {
                world.net.insert(Sent::Seen(ours));
                world.s = if self.new_shows { Nine::AwaitGate } else { Nine::Granting };
                if !self.new_shows {
                    world.net.insert(Sent::ReadyByS(ours));
                }
            }
            (Nine::AwaitGate, Sent::ReadyByD(Scanner::Honest)) if self.new_shows && !world.ready => {
                world.ready = true;
                self.release(world);
            }
            (Nine::Granting, Sent::Grant(Scanner::Honest)) if !self.new_shows => {
                world.net.insert(Sent::Done(ours));
                world.s = Nine::Done;
            }
            (Nine::Granting, Sent::Done(Scanner::Honest)) if self.new_shows => world.s = Nine::Done,
            (Nine::AwaitGate | Nine::Granting, Sent::AbortByD(Scanner::Honest)) => {
                world.s = self.called_off(world.s, false);
            }
            _ => return None,
        }
        Some(())
    }

    /// Where a side is when somebody calls it off: an old device whose keys are on their way is done.
    fn called_off(&self, state: Nine, is_d: bool) -> Nine {
        if state == Nine::Granting && is_d != self.new_shows { Nine::Done } else { Nine::Aborted }
    }

    /// The digits that the person can read: S shows them once it has a channel.
    fn digits_are_shown(world: &World) -> bool {
        matches!(world.s, Nine::AwaitGate | Nine::Granting)
    }

    fn typed(&self, world: &mut World) -> Option<()> {
        if world.d != Nine::AwaitGate || world.typed || !Self::digits_are_shown(world) {
            return None;
        }
        if world.peer == Some(Scanner::Photographer) {
            return self.mistyped(world);
        }
        world.typed = true;
        if self.new_shows {
            world.net.insert(Sent::ReadyByD(Scanner::Honest));
            world.d = Nine::Granting;
        } else {
            self.release(world);
        }
        Some(())
    }

    fn mistyped(&self, world: &mut World) -> Option<()> {
        if world.d != Nine::AwaitGate || world.typed {
            return None;
        }
        world.wrong += 1;
        if world.wrong == 3 {
            self.end_d(world);
        }
        Some(())
    }

    fn end_d(&self, world: &mut World) {
        world.d = self.called_off(world.d, true);
        if world.d == Nine::Aborted {
            world.net.extend(world.peer.map(Sent::AbortByD));
        }
    }

    fn end_s(&self, world: &mut World) {
        let shown = Self::digits_are_shown(world);
        world.s = self.called_off(world.s, false);
        if shown && world.s == Nine::Aborted {
            world.net.insert(Sent::AbortByS(Scanner::Honest));
        }
    }

    /// What time does: an end, and nothing else.
    fn time(&self, world: &mut World, is_d: bool) -> Option<()> {
        let state = if is_d { world.d } else { world.s };
        match state {
            Nine::Idle | Nine::Done | Nine::Aborted => return None,
            _ if is_d => self.end_d(world),
            _ => self.end_s(world),
        }
        Some(())
    }
}

impl Model for Pair {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            d: Nine::Idle,
            s: Nine::Idle,
            peer: None,
            net: BTreeSet::new(),
            typed: false,
            wrong: 0,
            approved: false,
            ready: false,
            released_to: None,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        actions.extend(world.net.iter().flat_map(|sent| [Action::ToD(*sent), Action::ToS(*sent)]));
        let photographer = Scanner::Photographer;
        let forged = [Sent::HelloS(photographer), Sent::Seen(photographer), Sent::ReadyByS(photographer)];
        actions.extend(forged.map(Action::Photographer));
        actions.extend([Action::BeginD, Action::BeginS, Action::Type, Action::Mistype, Action::Approve]);
        actions.extend([Action::TimeD, Action::TimeS, Action::CancelD, Action::CancelS]);
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        let is_final = |state| matches!(state, Nine::Idle | Nine::Done | Nine::Aborted);
        match action {
            Action::BeginD if world.d == Nine::Idle => {
                world.d = Nine::Offered;
                world.net.insert(Sent::Offer);
            }
            Action::BeginS if world.s == Nine::Idle && world.net.contains(&Sent::Offer) => {
                world.s = Nine::Scanned;
            }
            Action::ToD(sent) => self.to_d(&mut world, sent)?,
            Action::ToS(sent) => self.to_s(&mut world, sent)?,
            Action::Type => self.typed(&mut world)?,
            Action::Mistype => self.mistyped(&mut world)?,
            Action::Approve if self.old(&world) == Nine::AwaitGate && !world.approved => {
                world.approved = true;
                self.release(&mut world);
            }
            Action::TimeD => self.time(&mut world, true)?,
            Action::TimeS => self.time(&mut world, false)?,
            Action::CancelD if !is_final(world.d) => self.end_d(&mut world),
            Action::CancelS if !is_final(world.s) => self.end_s(&mut world),
            Action::Photographer(sent) => {
                let possible = match sent {
                    Sent::HelloS(_) => world.net.contains(&Sent::Offer),
                    _ => world.net.contains(&Sent::HelloD(Scanner::Photographer)),
                };
                if !possible || !world.net.insert(sent) {
                    return None;
                }
            }
            _ => return None,
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("keys go to nobody but the person's own new device", |_, world: &World| {
                world.released_to != Some(Scanner::Photographer)
            }),
            Property::always("nothing is released before the gate", |pair: &Self, world: &World| {
                let passed = world.approved && world.ready && (pair.new_shows || world.typed);
                world.released_to.is_none() || passed
            }),
            Property::always("no grant is on its way that was not released", |_, world: &World| {
                let grants = world.net.iter().filter(|sent| matches!(sent, Sent::Grant(_)));
                grants.count() == usize::from(world.released_to.is_some())
            }),
            Property::always(
                "whoever gave keys away never says that it was called off",
                |pair: &Self, world: &World| world.released_to.is_none() || pair.old(world) != Nine::Aborted,
            ),
            Property::always(
                "time ends every state, and not in another one",
                |pair: &Self, world: &World| {
                    [true, false].into_iter().all(|is_d| {
                        let mut later = world.clone();
                        let before = if is_d { world.d } else { world.s };
                        let went = pair.time(&mut later, is_d).is_some();
                        let after = if is_d { later.d } else { later.s };
                        let idle = matches!(before, Nine::Idle | Nine::Done | Nine::Aborted);
                        went != idle && (idle || matches!(after, Nine::Done | Nine::Aborted))
                    })
                },
            ),
            Property::eventually("both sides end", |_, world: &World| {
                let is_final = |state| matches!(state, Nine::Done | Nine::Aborted);
                is_final(world.d) && (is_final(world.s) || world.s == Nine::Idle)
            }),
            Property::sometimes("the two are paired", |_, world: &World| {
                world.d == Nine::Done
                    && world.s == Nine::Done
                    && world.net.contains(&Sent::Done(Scanner::Honest))
            }),
            Property::sometimes("the photographer has a channel", |_, world: &World| {
                world.d == Nine::AwaitGate && world.peer == Some(Scanner::Photographer)
            }),
        ]
    }
}

#[test]
fn no_reachable_state_is_stuck_or_released_too_early() {
    for new_shows in [true, false] {
        let checker = Pair { new_shows }.checker().spawn_bfs().join();
        checker.assert_properties();
        assert!(checker.unique_state_count() > 300, "{} states were searched", checker.unique_state_count());
    }
}

/// The model is about the machine: along the way of an honest run both are in the same states.
#[test]
fn the_machine_takes_the_steps_of_the_model() {
    for new_shows in [true, false] {
        let pair = Pair { new_shows };
        let mut world = pair.init_states().remove(0);
        let mut cloud = Cloud::default();
        let (first, second) =
            if new_shows { (DevicePart::New, DevicePart::Old) } else { (DevicePart::Old, DevicePart::New) };
        let mut d = Actor::<Devices>::new("d", Opening::ShowCode, first, Profile::default());
        d.begin(&mut cloud);
        let mut s = Actor::<Devices>::new("s", Opening::ScanCode(d.code()), second, Profile::default());
        s.begin(&mut cloud);
        let honest = Scanner::Honest;
        let ready = if new_shows { Sent::ReadyByD(honest) } else { Sent::ReadyByS(honest) };
        let mut model = vec![Action::BeginD, Action::BeginS];
        let go = |world: &mut World, actions: &[Action], d: &Actor<Devices>, s: &Actor<Devices>| {
            for action in actions {
                *world = pair.next_state(world, *action).unwrap_or_else(|| panic!("{action:?} in {world:?}"));
            }
            assert_eq!([world.d, world.s], [nine(d.pairing.state()), nine(s.pairing.state())], "{actions:?}");
        };
        go(&mut world, &std::mem::take(&mut model), &d, &s);
        s.poll(&mut cloud);
        go(&mut world, &[Action::ToS(Sent::Offer)], &d, &s);
        d.poll(&mut cloud);
        go(&mut world, &[Action::ToD(Sent::HelloS(honest))], &d, &s);
        s.poll(&mut cloud);
        go(&mut world, &[Action::ToS(Sent::HelloD(honest))], &d, &s);
        d.poll(&mut cloud);
        let seen: &[Action] = if new_shows {
            &[Action::ToD(Sent::Seen(honest))]
        } else {
            &[Action::ToD(Sent::Seen(honest)), Action::ToD(ready)]
        };
        go(&mut world, seen, &d, &s);
        let code = s.check_code().unwrap();
        d.input(Input::Typed(code.to_text()), &mut cloud);
        go(&mut world, &[Action::Type], &d, &s);
        let (new, old) = if new_shows { (&mut d, &mut s) } else { (&mut s, &mut d) };
        old.poll(&mut cloud);
        old.input(approval(), &mut cloud);
        old.grant(&mut cloud);
        new.poll(&mut cloud);
        new.input(Input::Imported(Vec::new()), &mut cloud);
        old.poll(&mut cloud);
        let end = if new_shows {
            vec![
                Action::ToS(ready),
                Action::Approve,
                Action::ToD(Sent::Grant(honest)),
                Action::ToS(Sent::Done(honest)),
            ]
        } else {
            vec![Action::Approve, Action::ToS(Sent::Grant(honest)), Action::ToD(Sent::Done(honest))]
        };
        go(&mut world, &end, &d, &s);
    }
}
