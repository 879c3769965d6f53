//! What is done to the nodes, and when: drawn from a seed, so that the same seed does the same again.

use std::time::Duration;

/// Something that happens to the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A node gets `kill -9` and is started again.
    Kill(usize),
    /// A node is told to end and is started again, as an upgrade does.
    Restart(usize),
    /// A node stands still (SIGSTOP) from now on.
    Freeze(usize),
    /// It goes on as if nothing had happened.
    Thaw(usize),
    /// PostgreSQL is killed as by a power cut, and started again after a moment.
    CrashDatabase,
    /// PostgreSQL is restarted in order.
    RestartDatabase,
    /// PostgreSQL is gone for good, and its standby takes over.
    FailOver,
    /// The storage of the blobs comes to no end with anything for so long.
    StallStorage(Duration),
    /// The storage of the blobs takes nothing more for so long.
    FillStorage(Duration),
}

/// A fault and its time since the beginning.
pub(crate) type Planned = (Duration, Fault);

/// Longer than the lease of an upload (30 s), so that others take over what the node holds.
const LONGER_THAN_A_LEASE: Duration = Duration::from_secs(34);
const FIRST: Duration = Duration::from_secs(3);

/// What short runs must not do without.
const FIRST_FAULTS: [Fault; 3] = [
    Fault::FailOver,
    Fault::StallStorage(Duration::from_millis(2_000)),
    Fault::FillStorage(Duration::from_millis(2_000)),
];

/// Faults over so long a time: one every few seconds, the database's fail-over and the storage's first, and one node that stands
/// still for longer than a lease wherever there is room for it.
pub(crate) fn draw(seed: u64, nodes: usize, length: Duration) -> Vec<Planned> {
    let mut dice = Dice::new(seed);
    let mut planned = Vec::new();
    let mut first = FIRST_FAULTS.into_iter();
    let mut frozen = None;
    let mut at = FIRST;
    while at < length {
        if let Some((node, until)) = frozen
            && at >= until
        {
            planned.push((until, Fault::Thaw(node)));
            frozen = None;
        }
        let node = dice.below(nodes);
        if frozen.is_none() && at + LONGER_THAN_A_LEASE + FIRST < length {
            planned.push((at, Fault::Freeze(node)));
            frozen = Some((node, at + LONGER_THAN_A_LEASE));
        } else {
            let awake = frozen.filter(|(asleep, _)| *asleep == node).map_or(node, |_| (node + 1) % nodes);
            let fault = one(&mut dice, awake);
            planned.push((at, first.next().unwrap_or(fault)));
        }
        at += Duration::from_millis(2_500 + dice.below(4_000) as u64);
    }
    planned.extend(frozen.map(|(node, until)| (until, Fault::Thaw(node))));
    planned
}

/// Nothing but crashes of the database, which lose what is not on its disk.
pub(crate) fn crashes(length: Duration) -> Vec<Planned> {
    let times = (1..).map(|count| FIRST * count).take_while(|at| *at < length);
    times.map(|at| (at, Fault::CrashDatabase)).collect()
}

/// All nodes but one stand still for longer than a lease; and how long it takes until what they do then is seen.
pub(crate) fn long_sleep(nodes: usize) -> (Vec<Planned>, Duration) {
    let (asleep, awake) = (FIRST, FIRST + LONGER_THAN_A_LEASE);
    let all = |at, fault: fn(usize) -> Fault| (1..nodes).map(move |node| (at, fault(node)));
    (all(asleep, Fault::Freeze).chain(all(awake, Fault::Thaw)).collect(), awake + 3 * FIRST)
}

fn one(dice: &mut Dice, node: usize) -> Fault {
    let moment = Duration::from_millis(500 + dice.below(3_000) as u64);
    match dice.below(13) {
        0..=3 => Fault::Kill(node),
        4 => Fault::Restart(node),
        5 | 6 => Fault::CrashDatabase,
        7 => Fault::RestartDatabase,
        8 => Fault::FailOver,
        9 | 10 => Fault::StallStorage(moment),
        _ => Fault::FillStorage(moment),
    }
}

/// Numbers that a seed decides: SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`, which is small.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % end as u64).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_everything_and_who_is_frozen_thaws() {
        let length = Duration::from_secs(300);
        let plan = draw(7, 3, length);
        assert_eq!(plan, draw(7, 3, length));
        assert_ne!(plan, draw(8, 3, length));
        let count = |wanted: fn(&Fault) -> bool| plan.iter().filter(|(_, fault)| wanted(fault)).count();
        let frozen = count(|fault| matches!(fault, Fault::Freeze(_)));
        assert!(frozen > 3);
        assert_eq!(frozen, count(|fault| matches!(fault, Fault::Thaw(_))));
        assert!(plan.is_sorted_by_key(|(at, _)| *at), "{plan:?}");
    }
}
