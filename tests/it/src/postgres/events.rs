//! Cases by kind of event: replica identities, keys, TOAST, partitions, definitions that change, transactions, COPY, truncates.

/// Name, setup and steps; `T_` stands for the name of the case's table.
pub(super) type Events = (&'static str, &'static str, &'static [&'static str]);

/// The cases.
pub(super) const EVENTS: &[Events] = &[
    ("insert", "CREATE TABLE T_ (id int PRIMARY KEY, v text);", &["INSERT INTO T_ VALUES (1, 'a');"]),
    (
        "insert_rows",
        "CREATE TABLE T_ (id int PRIMARY KEY, v text);",
        &["INSERT INTO T_ VALUES (1, 'a'), (2, 'b'), (3, NULL);"],
    ),
    (
        "insert_default",
        "CREATE TABLE T_ (id serial PRIMARY KEY, v text DEFAULT 'x', n int NOT NULL DEFAULT 5);",
        &["INSERT INTO T_ DEFAULT VALUES;"],
    ),
    (
        "upsert",
        "CREATE TABLE T_ (id int PRIMARY KEY, n int); INSERT INTO T_ VALUES (1, 1);",
        &[
            "INSERT INTO T_ VALUES (1, 2), (2, 2) ON CONFLICT (id) DO UPDATE SET n = excluded.n + 1; INSERT INTO T_ VALUES (1, 9) ON CONFLICT DO NOTHING;",
        ],
    ),
    (
        "update_same",
        "CREATE TABLE T_ (id int PRIMARY KEY, n int); INSERT INTO T_ VALUES (1, 1);",
        &["UPDATE T_ SET n = 1; UPDATE T_ SET n = n;"],
    ),
    (
        "update_key_only",
        "CREATE TABLE T_ (id int PRIMARY KEY); INSERT INTO T_ VALUES (1);",
        &["UPDATE T_ SET id = 2; UPDATE T_ SET id = id;"],
    ),
    (
        "key_swap",
        "CREATE TABLE T_ (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text); INSERT INTO T_ VALUES (1, 'a'), (2, 'b'); ALTER TABLE T_ REPLICA IDENTITY FULL;",
        &["UPDATE T_ SET id = 3 - id;"],
    ),
    (
        "delete_all",
        "CREATE TABLE T_ (id int PRIMARY KEY, v text); INSERT INTO T_ VALUES (1, 'a'), (2, 'b');",
        &["DELETE FROM T_;"],
    ),
    (
        "identity_full",
        "CREATE TABLE T_ (id int PRIMARY KEY, v text, n int); ALTER TABLE T_ REPLICA IDENTITY FULL; INSERT INTO T_ VALUES (1, 'a', NULL);",
        &["UPDATE T_ SET v = NULL; UPDATE T_ SET n = 1; UPDATE T_ SET id = 7; DELETE FROM T_;"],
    ),
    (
        "identity_full_keyless",
        "CREATE TABLE T_ (a int, b text); ALTER TABLE T_ REPLICA IDENTITY FULL; INSERT INTO T_ VALUES (1, 'a'), (1, 'a');",
        &["UPDATE T_ SET b = 'c'; DELETE FROM T_; INSERT INTO T_ VALUES (NULL, NULL); DELETE FROM T_;"],
    ),
    (
        "identity_nothing",
        "CREATE TABLE T_ (a int, b text); ALTER TABLE T_ REPLICA IDENTITY NOTHING; INSERT INTO T_ VALUES (1, 'a');",
        &["INSERT INTO T_ VALUES (2, 'b');"],
    ),
    (
        "identity_index",
        "CREATE TABLE T_ (id int PRIMARY KEY, a int NOT NULL, b text); CREATE UNIQUE INDEX T__a ON T_ (a); ALTER TABLE T_ REPLICA IDENTITY USING INDEX T__a; INSERT INTO T_ VALUES (1, 10, 'x');",
        &["UPDATE T_ SET b = 'y'; UPDATE T_ SET a = 11; DELETE FROM T_;"],
    ),
    (
        "index_keyless",
        "CREATE TABLE T_ (a int NOT NULL, b text NOT NULL, c int); CREATE UNIQUE INDEX T__ba ON T_ (b, a); ALTER TABLE T_ REPLICA IDENTITY USING INDEX T__ba; INSERT INTO T_ VALUES (1, 'k', 1);",
        &["UPDATE T_ SET c = 2; UPDATE T_ SET b = 'l'; DELETE FROM T_;"],
    ),
    (
        "two_keys",
        "CREATE TABLE T_ (b int, a text, c int, PRIMARY KEY (a, b)); INSERT INTO T_ VALUES (1, 'a', 1);",
        &["UPDATE T_ SET c = 2; UPDATE T_ SET b = 2; UPDATE T_ SET a = 'z', b = 9; DELETE FROM T_;"],
    ),
    (
        "key_in_middle",
        "CREATE TABLE T_ (a text, id int PRIMARY KEY, b text); INSERT INTO T_ VALUES ('a', 1, 'b');",
        &["UPDATE T_ SET b = 'c'; UPDATE T_ SET id = 2; DELETE FROM T_;"],
    ),
    (
        "toast",
        "CREATE TABLE T_ (id int PRIMARY KEY, n int, big text); ALTER TABLE T_ ALTER big SET STORAGE EXTERNAL; INSERT INTO T_ VALUES (1, 1, repeat('x', 9000));",
        &["UPDATE T_ SET n = 2; UPDATE T_ SET id = 2; UPDATE T_ SET big = 'small'; DELETE FROM T_;"],
    ),
    (
        "toast_full",
        "CREATE TABLE T_ (id int PRIMARY KEY, n int, big text); ALTER TABLE T_ ALTER big SET STORAGE EXTERNAL; ALTER TABLE T_ REPLICA IDENTITY FULL; INSERT INTO T_ VALUES (1, 1, repeat('x', 9000));",
        &["UPDATE T_ SET n = 2; UPDATE T_ SET id = 2; UPDATE T_ SET big = NULL; DELETE FROM T_;"],
    ),
    (
        "toast_required",
        "CREATE TABLE T_ (id int PRIMARY KEY, n int, big text NOT NULL, b bytea NOT NULL); ALTER TABLE T_ ALTER big SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL; INSERT INTO T_ VALUES (1, 1, repeat('x', 9000), decode(repeat('ab', 9000), 'hex'));",
        &["UPDATE T_ SET n = 2; UPDATE T_ SET id = 2;"],
    ),
    (
        "toast_json",
        "CREATE TABLE T_ (id int PRIMARY KEY, n int, j json, t text[], i int[]); ALTER TABLE T_ ALTER j SET STORAGE EXTERNAL, ALTER t SET STORAGE EXTERNAL, ALTER i SET STORAGE EXTERNAL; INSERT INTO T_ SELECT 1, 1, ('\"' || repeat('x', 9000) || '\"')::json, array_fill('t'::text, ARRAY[4000]), array_fill(7, ARRAY[4000]);",
        &["UPDATE T_ SET n = 2;"],
    ),
    (
        "partitioned",
        "CREATE TABLE T_ (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id); CREATE TABLE T__low PARTITION OF T_ FOR VALUES FROM (0) TO (10); CREATE TABLE T__high PARTITION OF T_ FOR VALUES FROM (10) TO (20); INSERT INTO T_ VALUES (1, 'a'), (11, 'b');",
        &[
            "INSERT INTO T_ VALUES (2, 'c'), (12, 'd'); UPDATE T_ SET v = 'e'; UPDATE T_ SET id = 15 WHERE id = 2; DELETE FROM T_ WHERE id = 1;",
        ],
    ),
    (
        "subtransactions",
        "CREATE TABLE T_ (id int PRIMARY KEY, v text);",
        &[
            "BEGIN; INSERT INTO T_ VALUES (1, 'a'); SAVEPOINT s; INSERT INTO T_ VALUES (2, 'lost'); ROLLBACK TO s; SAVEPOINT t; INSERT INTO T_ VALUES (3, 'b'); SAVEPOINT u; UPDATE T_ SET v = 'c' WHERE id = 3; RELEASE u; RELEASE t; COMMIT;",
        ],
    ),
    (
        "rollback",
        "CREATE TABLE T_ (id int PRIMARY KEY, v text); INSERT INTO T_ VALUES (1, 'a');",
        &["BEGIN; UPDATE T_ SET v = 'lost'; DELETE FROM T_; ROLLBACK; UPDATE T_ SET v = 'kept';"],
    ),
    (
        "exception_block",
        "CREATE TABLE T_ (id int PRIMARY KEY, v text);",
        &[
            "DO $$ BEGIN FOR i IN 1..5 LOOP BEGIN INSERT INTO T_ VALUES (i % 3, 'n' || i); EXCEPTION WHEN unique_violation THEN NULL; END; END LOOP; END $$;",
        ],
    ),
    (
        "large",
        "CREATE TABLE T_ (id int PRIMARY KEY, v text);",
        &[
            "INSERT INTO T_ SELECT n, 'row ' || n FROM generate_series(1, 500) n; UPDATE T_ SET v = 'x' WHERE id % 100 = 0; DELETE FROM T_ WHERE id > 490;",
        ],
    ),
    (
        "copy",
        "CREATE TABLE T_ (id int PRIMARY KEY, v text);",
        &["COPY T_ FROM PROGRAM 'seq 1 20 | sed s/$/,copied/' (FORMAT csv);"],
    ),
    (
        "truncate",
        "CREATE TABLE T_ (id int PRIMARY KEY, v text); INSERT INTO T_ VALUES (1, 'a');",
        &["TRUNCATE T_; INSERT INTO T_ VALUES (2, 'b'); TRUNCATE T_ RESTART IDENTITY;"],
    ),
    (
        "truncate_cascade",
        "CREATE TABLE T_ (id int PRIMARY KEY); CREATE TABLE T__child (id int PRIMARY KEY, p int REFERENCES T_); INSERT INTO T_ VALUES (1); INSERT INTO T__child VALUES (1, 1);",
        &["TRUNCATE T_ CASCADE;"],
    ),
    (
        "cascade_delete",
        "CREATE TABLE T_ (id int PRIMARY KEY); CREATE TABLE T__child (id int PRIMARY KEY, p int REFERENCES T_ ON DELETE CASCADE); INSERT INTO T_ VALUES (1); INSERT INTO T__child VALUES (1, 1), (2, 1);",
        &["DELETE FROM T_;"],
    ),
    (
        "trigger",
        "CREATE TABLE T_ (id int PRIMARY KEY, v text); CREATE FUNCTION T__f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v = upper(NEW.v); RETURN NEW; END $$; CREATE TRIGGER t BEFORE INSERT OR UPDATE ON T_ FOR EACH ROW EXECUTE FUNCTION T__f();",
        &["INSERT INTO T_ VALUES (1, 'a'); UPDATE T_ SET v = 'b';"],
    ),
    (
        "add_column",
        "CREATE TABLE T_ (id int PRIMARY KEY, v text); INSERT INTO T_ VALUES (1, 'a');",
        &["ALTER TABLE T_ ADD COLUMN n int; INSERT INTO T_ VALUES (2, 'b', 3);", "UPDATE T_ SET n = 4 WHERE id = 1;"],
    ),
    (
        "add_required",
        "CREATE TABLE T_ (id int PRIMARY KEY); INSERT INTO T_ VALUES (1);",
        &["ALTER TABLE T_ ADD COLUMN n int NOT NULL DEFAULT 7; INSERT INTO T_ VALUES (2);", "UPDATE T_ SET n = 8;"],
    ),
    (
        "drop_column",
        "CREATE TABLE T_ (id int PRIMARY KEY, v text, n int); INSERT INTO T_ VALUES (1, 'a', 1);",
        &["ALTER TABLE T_ DROP COLUMN v; INSERT INTO T_ VALUES (2, 2);", "DELETE FROM T_;"],
    ),
    (
        "rename_column",
        "CREATE TABLE T_ (id int PRIMARY KEY, v text); INSERT INTO T_ VALUES (1, 'a');",
        &["ALTER TABLE T_ RENAME COLUMN v TO w; UPDATE T_ SET w = 'b';"],
    ),
    (
        "retype_column",
        "CREATE TABLE T_ (id int PRIMARY KEY, v int); INSERT INTO T_ VALUES (1, 1);",
        &[
            "ALTER TABLE T_ ALTER v TYPE bigint; UPDATE T_ SET v = 9000000000;",
            "ALTER TABLE T_ ALTER v TYPE text; UPDATE T_ SET v = 'text';",
        ],
    ),
    (
        "relength",
        "CREATE TABLE T_ (id int PRIMARY KEY, v numeric(5,2)); INSERT INTO T_ VALUES (1, 1.5);",
        &["ALTER TABLE T_ ALTER v TYPE numeric(9,4); UPDATE T_ SET v = 2.1234;"],
    ),
    (
        "drop_not_null",
        "CREATE TABLE T_ (id int PRIMARY KEY, v text NOT NULL); INSERT INTO T_ VALUES (1, 'a');",
        &["ALTER TABLE T_ ALTER v DROP NOT NULL; ALTER TABLE T_ ADD COLUMN x int; UPDATE T_ SET v = NULL;"],
    ),
    (
        "new_key",
        "CREATE TABLE T_ (id int PRIMARY KEY, v text NOT NULL); INSERT INTO T_ VALUES (1, 'a');",
        &[
            "ALTER TABLE T_ DROP CONSTRAINT T__pkey; ALTER TABLE T_ ADD PRIMARY KEY (v); ALTER TABLE T_ ADD COLUMN x int; UPDATE T_ SET x = 1;",
            "UPDATE T_ SET v = 'b'; DELETE FROM T_;",
        ],
    ),
    (
        "new_label",
        "CREATE TYPE T__mood AS ENUM ('a', 'c'); CREATE TABLE T_ (id int PRIMARY KEY, v T__mood); INSERT INTO T_ VALUES (1, 'a');",
        &[
            "ALTER TYPE T__mood ADD VALUE 'b' AFTER 'a'; ALTER TABLE T_ ADD COLUMN x int; UPDATE T_ SET x = 1;",
            "UPDATE T_ SET v = 'b';",
        ],
    ),
    (
        "nested_domain",
        "CREATE DOMAIN T__a AS varchar(9); CREATE DOMAIN T__b AS T__a NOT NULL; CREATE TABLE T_ (id int PRIMARY KEY, v T__b DEFAULT 'd'); INSERT INTO T_ VALUES (1, 'a');",
        &["UPDATE T_ SET v = 'b'; DELETE FROM T_;"],
    ),
    (
        "generated",
        "CREATE TABLE T_ (id int PRIMARY KEY, n int, d int GENERATED ALWAYS AS (n * 2) STORED);",
        &["INSERT INTO T_ VALUES (1, 2); UPDATE T_ SET n = 3; DELETE FROM T_;"],
    ),
    (
        "identity_column",
        "CREATE TABLE T_ (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text);",
        &["INSERT INTO T_ (v) VALUES ('a'), ('b'); UPDATE T_ SET v = 'c'; DELETE FROM T_;"],
    ),
    (
        "quoted",
        "CREATE TABLE T_ (\"Id\" int PRIMARY KEY, \"with space\" text, \"ünï\" int, \"select\" text); INSERT INTO T_ VALUES (1, 'a', 2, 'b');",
        &["UPDATE T_ SET \"with space\" = 'c'; DELETE FROM T_;"],
    ),
    (
        "wide",
        "DO $$ BEGIN EXECUTE (SELECT 'CREATE TABLE T_ (id int PRIMARY KEY, ' || string_agg('c' || n || ' int', ',') || ')' FROM generate_series(1, 150) n); END $$;",
        &["INSERT INTO T_ (id, c7, c150) VALUES (1, 2, 3); UPDATE T_ SET c100 = 4; DELETE FROM T_;"],
    ),
    (
        "two_tables",
        "CREATE TABLE T_ (id int PRIMARY KEY, v text); CREATE TABLE T__b (id int PRIMARY KEY, v text);",
        &[
            "BEGIN; INSERT INTO T_ VALUES (1, 'a'); INSERT INTO T__b VALUES (1, 'b'); UPDATE T_ SET v = 'c'; DELETE FROM T__b; COMMIT;",
        ],
    ),
    (
        "unlogged_change",
        "CREATE UNLOGGED TABLE T__u (id int PRIMARY KEY); CREATE TABLE T_ (id int PRIMARY KEY);",
        &["INSERT INTO T__u VALUES (1); INSERT INTO T_ VALUES (1);"],
    ),
    (
        "rewritten",
        "CREATE TABLE T_ (id int PRIMARY KEY, v text); INSERT INTO T_ VALUES (1, 'a'), (2, 'b');",
        &["VACUUM FULL T_;", "CLUSTER T_ USING T__pkey;", "UPDATE T_ SET v = 'c';"],
    ),
];
