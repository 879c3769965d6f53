//! Finds the known name that a mistyped one was meant to be.

/// The name that was meant: the one that `wrong` begins, or the nearest.
pub(crate) fn meant<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    completed(wrong, known).or_else(|| nearest(wrong, known.iter().copied()))
}

/// The one name that begins with `wrong`; of several the one that the others begin with.
pub(crate) fn completed<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let longer: Vec<&str> = known.iter().copied().filter(|name| name.starts_with(wrong)).collect();
    let shortest = longer.iter().copied().min_by_key(|name| name.len())?;
    longer.iter().all(|name| name.starts_with(shortest)).then_some(shortest)
}

/// The name nearest to `wrong`, if one is near enough to be meant; the first among equals.
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (wrong.chars().count() / 3).max(2);
    known
        .into_iter()
        .map(|name| (distance(wrong, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters to insert, remove, replace or swap with their neighbour to make one from the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=to.len()).collect();
    for i in 1..=from.len() {
        for j in 1..=to.len() {
            let changed = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = changed.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_insertions_removals_replacements_and_swaps() {
        for (from, to, steps) in [
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("lisen", "listen", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(from, to), steps, "{from} {to}");
            assert_eq!(distance(to, from), steps, "{to} {from}");
        }
    }

    #[test]
    fn a_beginning_is_completed_where_it_begins_one_name() {
        let known = ["URL", "URL_FILE", "POOL_SIZE", "PATIENCE", "grace_hours"];
        assert_eq!(meant("UR", &known), Some("URL"));
        assert_eq!(meant("POOL", &known), Some("POOL_SIZE"));
        assert_eq!(completed("P", &known), None);
        assert_eq!(meant("grace", &known), Some("grace_hours"));
    }

    #[test]
    fn names_that_are_far_are_not_offered() {
        let known = ["server.listen", "server.drain_seconds"];
        assert_eq!(nearest("server.lisen", known), Some("server.listen"));
        assert_eq!(nearest("colour", known), None);
    }
}
