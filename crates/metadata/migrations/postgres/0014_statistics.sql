-- SQLite is told what to think of its tables; PostgreSQL measures its own.
SELECT 1;
