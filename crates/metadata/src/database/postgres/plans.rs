//! The plans of statements, which a connection makes by what the server knows of the tables, and then keeps.
//!
//! A plan of a table that was nearly empty reads all of it, and stays until the server looks at the table again: its own
//! rounds come once a minute. A registry that is being filled would answer each pull more slowly than the last (measured:
//! 26,000 a second, and 700 when 3000 images had been pushed). Every plan is made anew once a table has been looked at
//! (ADR 0027).

/// Has the server look at the tables that have doubled since it did. Large ones are left to its own rounds: their plans do
/// not change any more, and to look at them takes a while. A table that another node is looking at is passed over.
pub(in crate::database) const RENEW: &str = "DO $$
    DECLARE grown regclass;
    BEGIN
        FOR grown IN
            SELECT c.oid FROM pg_class c, LATERAL (SELECT pg_relation_size(c.oid) / current_setting('block_size')::bigint) s (pages)
            WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
                AND s.pages >= 2 * GREATEST(c.relpages, 2) AND s.pages < 20480
        LOOP
            EXECUTE format('ANALYZE (SKIP_LOCKED) %s', grown);
        END LOOP;
    END $$";
