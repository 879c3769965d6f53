//! News: what changes of jobs and nodes, for people who look on.
//!
//! The database is read once for all who look at this node, and not at all while nobody does. What was read is held
//! against what was told last; only the difference is news. A node that was left alone for a while goes on from what it
//! told last, so that nobody who comes back misses how a job ended.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hythe_metadata::job::{self, Filter, Job, State};
use tokio::sync::{Notify, broadcast};

use crate::Registry;
use crate::access::system_rights::{job_service_monitor, node};
use crate::access::{Everywhere, Permit};
use crate::error::Result;
use crate::nodes::Node;

/// How often the database is asked while somebody looks.
const EVERY: Duration = Duration::from_secs(1);

/// Unfinished jobs that are followed, the newest; of more, the list tells.
const FOLLOWED: u32 = 200;

/// The newest jobs, unfinished or not: those that begin and end between two looks are among them.
const NEWEST: u32 = 50;

/// News that are kept for those who come back.
const KEPT: usize = 1000;

/// News that somebody may be behind with, before they are left to begin anew.
const BEHIND: usize = 1000;

/// A thing as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A job.
    Job(Box<Job>),
    /// A node.
    Node(Box<Node>),
}

/// What is new of a thing.
#[derive(Clone, Debug)]
pub struct News {
    /// Its number among the news of this run of this node, from 1.
    pub number: u64,
    /// The thing.
    pub subject: Subject,
}

/// Which things somebody may look at.
#[derive(Clone, Debug, Default)]
pub struct Sights {
    /// Jobs.
    pub jobs: Option<Permit<job_service_monitor::List, Everywhere>>,
    /// Nodes.
    pub nodes: Option<Permit<node::List, Everywhere>>,
}

impl Sights {
    /// Whether there is nothing to look at.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_none() && self.nodes.is_none()
    }

    fn shows(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Job(_) => self.jobs.is_some(),
            Subject::Node(_) => self.nodes.is_some(),
        }
    }
}

/// Somebody who looks on.
pub struct Onlooker {
    sights: Sights,
    missed: VecDeque<Arc<News>>,
    coming: broadcast::Receiver<Arc<News>>,
}

impl Onlooker {
    /// The next news that they may see; none when they have fallen too far behind and have to begin anew. Nothing is
    /// lost when the wait is given up.
    pub async fn next(&mut self) -> Option<Arc<News>> {
        loop {
            let news = match self.missed.pop_front() {
                Some(news) => news,
                None => self.coming.recv().await.ok()?,
            };
            if self.sights.shows(&news.subject) {
                return Some(news);
            }
        }
    }
}

/// What was told on this node.
pub(crate) struct Board {
    told: Mutex<Told>,
    coming: broadcast::Sender<Arc<News>>,
    looked_at: Notify,
}

/// The newest news of each thing, and of all things those that were told last.
#[derive(Default)]
struct Told {
    last: u64,
    things: BTreeMap<Name, Arc<News>>,
    kept: VecDeque<Arc<News>>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Job(i64),
    Node(String),
}

impl Default for Board {
    fn default() -> Self {
        Board { told: Mutex::default(), coming: broadcast::Sender::new(BEHIND), looked_at: Notify::new() }
    }
}

impl Board {
    fn look_on(&self, sights: Sights, after: Option<u64>) -> Onlooker {
        let told = self.lock();
        let missed = told.since(after);
        let coming = self.coming.subscribe();
        drop(told);
        self.looked_at.notify_one();
        Onlooker { sights, missed, coming }
    }

    async fn is_looked_at(&self) {
        while self.coming.receiver_count() == 0 {
            self.looked_at.notified().await;
        }
    }

    /// Tells what differs from what was told last; what is not among the things any more is forgotten.
    fn tell(&self, things: Vec<Subject>) {
        let mut told = self.lock();
        let mut before = std::mem::take(&mut told.things);
        for subject in things {
            let name = subject.name();
            let news = match before.remove(&name) {
                Some(news) if news.subject.stands_as(&subject) => news,
                _ => told.add(subject, &self.coming),
            };
            told.things.insert(name, news);
        }
    }

    /// The jobs that were unfinished when they were told of.
    fn unfinished(&self) -> Vec<i64> {
        let told = self.lock();
        let jobs = told.things.values().filter_map(|news| match &news.subject {
            Subject::Job(job) if !job.state.is_finished() => Some(job.id),
            _ => None,
        });
        jobs.collect()
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    /// What somebody has missed who has seen everything up to `after`: each of the news if they are still here, else
    /// how everything stands.
    fn since(&self, after: Option<u64>) -> VecDeque<Arc<News>> {
        let first = self.kept.front().map_or(self.last + 1, |news| news.number);
        match after {
            Some(after) if after + 1 >= first && after <= self.last => {
                self.kept.iter().filter(|news| news.number > after).cloned().collect()
            }
            _ => {
                let mut all: Vec<_> = self.things.values().cloned().collect();
                all.sort_by_key(|news| news.number);
                all.into()
            }
        }
    }

    fn add(&mut self, subject: Subject, coming: &broadcast::Sender<Arc<News>>) -> Arc<News> {
        self.last += 1;
        let news = Arc::new(News { number: self.last, subject });
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(news.clone());
        // Nobody may be looking any more; the news are kept.
        let _ = coming.send(news.clone());
        news
    }
}

impl Subject {
    fn name(&self) -> Name {
        match self {
            Subject::Job(job) => Name::Job(job.id),
            Subject::Node(node) => Name::Node(node.id.clone()),
        }
    }

    /// Whether nothing differs that anybody could see: that a lease was prolonged is no news.
    fn stands_as(&self, other: &Subject) -> bool {
        match (self, other) {
            (Subject::Job(a), Subject::Job(b)) => {
                Job { leased_until: 0, ..(**a).clone() } == Job { leased_until: 0, ..(**b).clone() }
            }
            (a, b) => a == b,
        }
    }
}

impl Registry {
    /// Lets somebody look on; from behind the news of number `after` if they are still known here, else from how
    /// everything stands now.
    pub fn look_on(&self, sights: Sights, after: Option<u64>) -> Onlooker {
        self.news.look_on(sights, after)
    }

    /// What tells the news of this run of this node from those of others.
    pub fn run_id(&self) -> uuid::Uuid {
        self.id
    }

    /// Reads the news for as long as the node runs, whenever somebody looks on.
    pub async fn gather_news(&self) {
        let mut failing = false;
        loop {
            self.news.is_looked_at().await;
            let read = self.read_news().await;
            if let Err(error) = &read
                && !failing
            {
                tracing::warn!(%error, "what changes cannot be read; whoever looks on sees nothing new until it can");
            }
            failing = read.is_err();
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn read_news(&self) -> Result<()> {
        let states = vec![State::Pending, State::Running, State::Stopping];
        let unfinished = Filter { states, ..Filter::default() };
        let mut c = self.database.connect().await?;
        let mut jobs = BTreeMap::new();
        for (filter, limit) in [(&unfinished, FOLLOWED), (&Filter::default(), NEWEST)] {
            let found = job::list(&mut c, filter, i64::MAX, 0, limit).await?;
            jobs.extend(found.into_iter().map(|job| (job.id, job)));
        }
        for id in self.news.unfinished() {
            if !jobs.contains_key(&id) {
                jobs.extend(job::find(&mut c, id).await?.map(|job| (id, job)));
            }
        }
        drop(c);
        let nodes = self.read_nodes().await?.into_iter().map(|node| Subject::Node(Box::new(node)));
        let jobs = jobs.into_values().map(|job| Subject::Job(Box::new(job)));
        self.news.tell(jobs.chain(nodes).collect());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::{Report, State};

    fn node(id: &str, seen_at: i64) -> Subject {
        Subject::Node(Box::new(Node {
            id: id.to_owned(),
            name: id.to_owned(),
            version: "1".to_owned(),
            addresses: Vec::new(),
            state: State::Serving,
            started_at: 1,
            seen_at,
            clock_offset: 0,
            report: Report::default(),
            here: false,
        }))
    }

    fn numbers(missed: &VecDeque<Arc<News>>) -> Vec<u64> {
        missed.iter().map(|news| news.number).collect()
    }

    #[test]
    fn only_what_differs_is_told() {
        let board = Board::default();
        board.tell(vec![node("a", 1), node("b", 1)]);
        board.tell(vec![node("a", 1), node("b", 2)]);
        assert_eq!(board.lock().last, 3);
        board.tell(vec![node("b", 2)]);
        assert_eq!(numbers(&board.lock().since(None)), [3], "what is gone is forgotten");
    }

    #[test]
    fn who_comes_back_hears_what_was_missed_and_who_was_away_for_long_how_things_stand() {
        let board = Board::default();
        for seen in 1..=5 {
            board.tell(vec![node("a", seen)]);
        }
        assert_eq!(numbers(&board.lock().since(Some(3))), [4, 5]);
        assert_eq!(numbers(&board.lock().since(Some(5))), Vec::<u64>::new());
        assert_eq!(numbers(&board.lock().since(Some(6))), [5], "a number of another run");
        for seen in 0..KEPT as i64 + 5 {
            board.tell(vec![node("a", 100 + seen)]);
        }
        assert_eq!(board.lock().kept.len(), KEPT);
        assert_eq!(board.lock().since(Some(3)).len(), 1);
    }

    #[tokio::test]
    async fn who_may_see_nothing_is_told_nothing_and_who_is_slow_begins_anew() {
        let board = Board::default();
        let mut blind = board.look_on(Sights::default(), None);
        for seen in 0..2 * BEHIND as i64 {
            board.tell(vec![node("a", seen)]);
        }
        assert!(blind.next().await.is_none(), "too far behind");
        let mut blind = board.look_on(Sights::default(), None);
        let heard = tokio::time::timeout(Duration::from_millis(20), blind.next()).await;
        assert!(heard.is_err(), "{heard:?}");
    }

    #[tokio::test]
    async fn nobody_reads_while_nobody_looks() {
        let board = Board::default();
        let asked = || tokio::time::timeout(Duration::from_millis(20), board.is_looked_at());
        assert!(asked().await.is_err());
        let onlooker = board.look_on(Sights::default(), None);
        assert!(asked().await.is_ok());
        drop(onlooker);
        assert!(asked().await.is_err());
    }
}
