//! What every client asked for and what it was told, and whether one order of events explains all of it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// A tag's value: the digest of the image that it names; nothing while there is no such tag.
pub(crate) type Value = Option<String>;

/// One request about a tag. Times are since the beginning of the run.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) begun: Duration,
    /// Nothing where no answer came: what was asked for may have happened at any later time, or never.
    pub(crate) ended: Option<Duration>,
    pub(crate) what: What,
    pub(crate) client: usize,
}

/// What was asked for, or found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Write(Value),
    Read(Value),
}

impl What {
    fn value(&self) -> &Value {
        let (What::Write(value) | What::Read(value)) = self;
        value
    }
}

/// Whether the operations on one tag can be put into one order that every client's view of time allows, in which each
/// read finds what was written last (Herlihy and Wing, "Linearizability", 1990; the search is Wing and Gong's with the
/// memory of Lowe's "Testing for linearizability"). The tag is absent at first. On failure, how many could be placed.
pub(crate) fn explain(operations: &[Operation]) -> Result<(), usize> {
    let mut search = Search::over(operations);
    if search.place(None) { Ok(()) } else { Err(search.best) }
}

struct Search<'a> {
    /// By the time of their beginning.
    operations: Vec<&'a Operation>,
    /// What is not placed yet.
    open: BTreeSet<usize>,
    /// Answered operations that are not placed yet.
    left: usize,
    /// Of each value, what is not placed yet.
    left_of: HashMap<&'a Value, Left>,
    /// A number for each operation, drawn once: those of the placed ones, added up, stand for the set of them.
    numbers: Vec<u128>,
    placed: u128,
    seen: HashSet<(u128, Value)>,
    best: usize,
}

#[derive(Default)]
struct Left {
    reads: usize,
    writes: usize,
}

impl Left {
    fn of(&mut self, what: &What) -> &mut usize {
        match what {
            What::Read(_) => &mut self.reads,
            What::Write(_) => &mut self.writes,
        }
    }
}

impl<'a> Search<'a> {
    /// A write that was not answered and that nobody ever read may as well not have happened, and is left out.
    fn over(operations: &'a [Operation]) -> Search<'a> {
        let read: HashSet<&Value> = operations
            .iter()
            .filter_map(|operation| match &operation.what {
                What::Read(value) => Some(value),
                What::Write(_) => None,
            })
            .collect();
        let counts = |operation: &&Operation| match &operation.what {
            What::Write(value) => operation.ended.is_some() || read.contains(value),
            What::Read(_) => operation.ended.is_some(),
        };
        let mut operations: Vec<&Operation> = operations.iter().filter(counts).collect();
        operations.sort_by_key(|operation| operation.begun);
        let left = operations.iter().filter(|operation| operation.ended.is_some()).count();
        let mut left_of: HashMap<&Value, Left> = HashMap::new();
        for operation in &operations {
            *left_of.entry(operation.what.value()).or_default().of(&operation.what) += 1;
        }
        let (open, numbers) = (0..operations.len()).map(|at| (at, drawn())).unzip();
        Search { operations, open, left, left_of, numbers, placed: 0, seen: HashSet::new(), best: 0 }
    }

    /// Places what is left after `current` was written last.
    fn place(&mut self, current: Value) -> bool {
        if self.left == 0 {
            return true;
        }
        self.best = self.best.max(self.operations.len() - self.open.len());
        if !self.seen.insert((self.placed, current.clone())) {
            return false;
        }
        let next = self.next();
        // A read that fits changes nothing for the others: to place it at once is always right.
        let read = next.iter().copied().find(|at| self.operations[*at].what == What::Read(current.clone()));
        if let Some(at) = read {
            return self.try_at(at, current);
        }
        if self.is_read_later(&current) {
            return false;
        }
        next.into_iter().any(|at| match self.operations[at].what.clone() {
            What::Write(value) => self.try_at(at, value),
            What::Read(_) => false,
        })
    }

    fn try_at(&mut self, at: usize, current: Value) -> bool {
        let operation = self.operations[at];
        let answered = usize::from(operation.ended.is_some());
        self.open.remove(&at);
        self.placed = self.placed.wrapping_add(self.numbers[at]);
        self.left -= answered;
        *self.left_of(operation) -= 1;
        if self.place(current) {
            return true;
        }
        self.open.insert(at);
        self.placed = self.placed.wrapping_sub(self.numbers[at]);
        self.left += answered;
        *self.left_of(operation) += 1;
        false
    }

    fn left_of(&mut self, operation: &'a Operation) -> &mut usize {
        self.left_of.entry(operation.what.value()).or_default().of(&operation.what)
    }

    /// Whether a value is still to be read and is written no more: nothing else may be written before. Without this a write
    /// that was never answered would be tried long before it is read, and be found wrong only there.
    fn is_read_later(&self, value: &Value) -> bool {
        self.left_of.get(value).is_some_and(|left| left.reads > 0 && left.writes == 0)
    }

    /// What may come next: all that had begun before the first of the others was over. Whatever begins after that cannot be
    /// over before, and is not looked at.
    fn next(&self) -> Vec<usize> {
        let mut first_end = Duration::MAX;
        let mut next = Vec::new();
        for at in &self.open {
            let Operation { begun, ended, .. } = self.operations[*at];
            if *begun > first_end {
                break;
            }
            first_end = ended.map_or(first_end, |end| first_end.min(end));
            next.push(*at);
        }
        next.retain(|at| self.operations[*at].begun <= first_end);
        next
    }
}

/// Every state of the standard library's hasher has keys of its own.
fn drawn() -> u128 {
    let half = || u128::from(RandomState::new().hash_one(()));
    half() << 64 | half()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(begun: u64, ended: Option<u64>, what: What) -> Operation {
        let at = Duration::from_millis;
        Operation { begun: at(begun), ended: ended.map(at), what, client: 0 }
    }

    fn write(begun: u64, ended: u64, value: &str) -> Operation {
        operation(begun, Some(ended), What::Write(Some(value.to_owned())))
    }

    fn unanswered(begun: u64, value: &str) -> Operation {
        operation(begun, None, What::Write(Some(value.to_owned())))
    }

    fn read(begun: u64, ended: u64, value: &str) -> Operation {
        operation(begun, Some(ended), What::Read((!value.is_empty()).then(|| value.to_owned())))
    }

    #[test]
    fn what_happened_at_the_same_time_may_have_happened_in_any_order() {
        assert_eq!(explain(&[write(0, 10, "a"), write(5, 15, "b"), read(20, 21, "a")]), Ok(()));
        assert_eq!(explain(&[write(0, 10, "a"), write(5, 15, "b"), read(20, 21, "b")]), Ok(()));
        assert_eq!(explain(&[read(0, 10, "a"), write(5, 15, "a"), read(6, 7, "")]), Ok(()));
    }

    #[test]
    fn an_acknowledged_push_that_is_gone_is_found() {
        assert!(explain(&[write(0, 10, "a"), read(11, 12, "")]).is_err());
        assert!(explain(&[write(0, 10, "a"), write(11, 15, "b"), read(20, 21, "a")]).is_err());
        assert!(explain(&[write(0, 10, "a"), read(11, 12, "never pushed")]).is_err());
    }

    #[test]
    fn a_read_never_goes_back_in_time() {
        let flicker = [write(0, 10, "a"), write(20, 90, "b"), read(30, 31, "b"), read(40, 41, "a")];
        assert!(explain(&flicker).is_err());
    }

    #[test]
    fn what_was_never_answered_happens_late_or_never() {
        assert_eq!(explain(&[write(0, 10, "a"), unanswered(11, "b"), read(20, 21, "a")]), Ok(()));
        assert_eq!(
            explain(&[write(0, 10, "a"), unanswered(11, "b"), read(20, 21, "a"), read(30, 31, "b")]),
            Ok(())
        );
        let twice = [
            write(0, 10, "a"),
            unanswered(11, "b"),
            read(20, 21, "b"),
            write(22, 23, "c"),
            read(30, 31, "b"),
        ];
        assert!(explain(&twice).is_err());
    }

    /// Each write that is not answered is read once, much later: tried at the wrong moment it would be found wrong only there.
    #[test]
    fn many_writes_that_were_never_answered_are_placed_in_time() {
        let mut operations: Vec<Operation> = (0..30).map(|n| unanswered(n, &format!("late {n}"))).collect();
        for n in 0..30 {
            let at = 100 + 10 * n;
            operations.extend([write(at, at + 1, &format!("{n}")), read(at + 2, at + 3, &format!("{n}"))]);
            operations.push(read(at + 5, at + 6, &format!("late {n}")));
        }
        assert_eq!(explain(&operations), Ok(()));
        operations.push(read(900, 901, "late 3"));
        assert!(explain(&operations).is_err());
    }

    /// An hour's worth: a look at all that is left at each step would take minutes.
    #[test]
    fn a_long_history_is_explained() {
        let mut operations = Vec::new();
        for n in 0..20_000 {
            let at = 100 * n;
            operations
                .extend([write(at, at + 250, &format!("{n}")), read(at + 255, at + 256, &format!("{n}"))]);
            operations.extend((n % 50 == 0).then(|| unanswered(at, &format!("late {n}"))));
            operations.extend((n % 50 == 40).then(|| read(at + 257, at + 258, &format!("late {}", n - 40))));
        }
        let mut lost = operations.clone();
        assert_eq!(on_a_large_stack(move || explain(&operations)), Ok(()));
        lost.push(read(3_000_000, 3_000_001, "7"));
        assert!(on_a_large_stack(move || explain(&lost)).is_err());
    }

    fn on_a_large_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        std::thread::Builder::new().stack_size(1 << 30).spawn(work).unwrap().join().unwrap()
    }

    #[test]
    fn deleted_things_do_not_come_back() {
        let delete = operation(20, Some(25), What::Write(None));
        assert_eq!(explain(&[write(0, 10, "a"), delete.clone(), read(30, 31, "")]), Ok(()));
        assert!(explain(&[write(0, 10, "a"), delete, read(30, 31, ""), read(40, 41, "a")]).is_err());
    }
}
