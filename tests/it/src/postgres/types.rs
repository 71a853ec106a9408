//! A table per family of types, with rows at the edges.

/// The tables.
pub(super) const SCHEMA: &str = "
CREATE EXTENSION IF NOT EXISTS hstore; CREATE EXTENSION IF NOT EXISTS citext; CREATE EXTENSION IF NOT EXISTS ltree;
CREATE EXTENSION IF NOT EXISTS isn;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN short AS varchar(5);
CREATE DOMAIN amount AS numeric(8,3);
CREATE TYPE pair AS (a int, b text);
CREATE TABLE numbers (id int PRIMARY KEY, i2 int2, i4 int4 NOT NULL DEFAULT 3, i8 int8, f4 float4, f8 float8,
  n numeric, n5_2 numeric(5,2), n30_10 numeric(30,10), m money, o oid, b bool NOT NULL, s2 smallserial, s8 bigserial);
CREATE TABLE texts (id int PRIMARY KEY, c char(5), c1 \"char\", v varchar(10) NOT NULL DEFAULT 'it''s', t text, ci citext, u uuid,
  j json, jb jsonb, x xml, inet inet, cidr cidr, mac macaddr, mac8 macaddr8, e mood DEFAULT 'ok', d short, lt ltree,
  ts tsvector, isbn isbn);
CREATE TABLE times (id int PRIMARY KEY, d date, t time, t0 time(0), t3 time(3), t4 time(4), tz timetz, ts timestamp, ts0 timestamp(0),
  ts3 timestamp(3), ts4 timestamp(4), tstz timestamptz, tstz0 timestamptz(0), tstz3 timestamptz(3), i interval,
  dd date NOT NULL DEFAULT '2020-02-29', dts timestamp NOT NULL DEFAULT now(), dtz timestamptz DEFAULT '2020-01-01 12:00:00+02');
CREATE TABLE bits (id int PRIMARY KEY, b1 bit, b8 bit(8), b20 bit(20), vb varbit(12), vbn varbit, by bytea, h hstore);
CREATE TABLE ranges (id int PRIMARY KEY, r4 int4range, r8 int8range, rn numrange, rt tsrange, rtz tstzrange, rd date, rdd daterange,
  p point, am amount);
CREATE TABLE arrays (id int PRIMARY KEY, i2 int2[], i4 int4[], i8 int8[], f4 float4[], f8 float8[], n numeric[], n5 numeric(5,2)[],
  b bool[], t text[], v varchar(5)[], c char(3)[], u uuid[], j jsonb[], d date[], ts timestamp[], ts3 timestamp(3)[], tz timestamptz[],
  ti time[], by bytea[], ci citext[], o oid[], r int4range[], inet inet[]);
CREATE TABLE left_out (id int PRIMARY KEY, mr int4multirange, q tsquery, lsn pg_lsn, p pair, a short[], bx box, m money[], i interval[]);
CREATE TABLE required (id int PRIMARY KEY, i int4 NOT NULL, n numeric(6,2) NOT NULL, vn numeric NOT NULL, t text NOT NULL, b bool NOT NULL,
  by bytea NOT NULL, d date NOT NULL, ts timestamp NOT NULL, tz timestamptz NOT NULL, u uuid NOT NULL, j jsonb NOT NULL, a int[] NOT NULL,
  e mood NOT NULL, p point NOT NULL, iv interval NOT NULL, bb bit(4) NOT NULL, h hstore NOT NULL, tt timetz NOT NULL, m money NOT NULL,
  f float8 NOT NULL DEFAULT 1.5);
";

/// Rows that the snapshot has.
pub(super) const ROWS: &str = r#"
INSERT INTO numbers VALUES (1, 1, 2, 3, 1.5, 2.25, 12.3400, 123.45, 12345678901234567890.0123456789, 1234.56, 42, true);
INSERT INTO numbers VALUES (2, NULL, 4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false);
INSERT INTO numbers VALUES (3, -32768, -2147483648, -9223372036854775808, '-Infinity', 'NaN', -0.000001, -999.99, -1, -0.01, 0, true);
INSERT INTO numbers VALUES (4, 32767, 2147483647, 9223372036854775807, 1e38, 1e-300, 1e20, 0, 0, 92233720368547758.07, 4294967295, true);
INSERT INTO texts VALUES (1, 'ab', 'x', 'v', E'tab\tline\nback\\slash', 'CiText', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": [1, 2]}',
  '{"b":  1}', '<a>b</a>', '10.1.2.3/8', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', 'happy', 'dom', 'Top.Sub',
  'a:1 b:2', '978-0-393-04002-9');
INSERT INTO texts (id) VALUES (2);
INSERT INTO texts (id, t, e) VALUES (3, 'üñí 😀', NULL), (4, '', 'sad');
INSERT INTO times VALUES (1, '2024-02-29', '10:11:12.123456', '10:11:12', '10:11:12.123', '10:11:12.1234', '10:11:12.5+02',
  '2024-02-29 10:11:12.123456', '2024-02-29 10:11:12', '2024-02-29 10:11:12.123', '2024-02-29 10:11:12.1234',
  '2024-02-29 10:11:12.123456+03', '2024-02-29 10:11:12+03', '2024-02-29 10:11:12.5+03', '1 year 2 mons 3 days 04:05:06.789');
INSERT INTO times (id) VALUES (2);
INSERT INTO times VALUES (3, '0044-03-15 BC', '24:00:00', '00:00:00', '23:59:59.999', '00:00:00.0001', '00:00:00-12', '0044-03-15 01:02:03 BC',
  '1969-12-31 23:59:59', '1900-01-01', '1969-12-31 23:59:59.9999', '0044-03-15 01:02:03+00 BC', '1900-01-01 00:00:00+00', '1969-12-31 23:59:59.999+00',
  '-1 mons +3 days -04:05:06');
INSERT INTO times (id, d, ts, tstz) VALUES (4, '9999-12-31', 'infinity', 'infinity'), (5, '20000-01-01', '-infinity', '-infinity'),
  (6, '0001-01-01', '0001-01-01', '12024-01-01 00:00:00+00');
INSERT INTO bits VALUES (1, B'1', B'10000001', B'10000000000000000001', B'101', B'1', '\x00ff10', 'a=>1, b=>NULL, "c d"=>"e\"f"');
INSERT INTO bits (id) VALUES (2);
INSERT INTO bits VALUES (3, B'0', B'00000000', B'00000000000000000000', B'', B'000', '', '');
INSERT INTO ranges VALUES (1, '[1,5)', '(,5]', '[1.5,2.5]', '[2020-01-01,2020-02-01)', '[2020-01-01 00:00:00+00,)', '2020-01-01',
  '[2020-01-01,2020-02-01)', '(1.5,-2)', 12.345);
INSERT INTO ranges (id) VALUES (2);
INSERT INTO arrays VALUES (1, '{1,2}', '{1,NULL,3}', '{9}', '{1.5}', '{2.5,NULL}', '{1.50,2}', '{1.5}', '{t,f,NULL}', '{a,"b c",NULL,"q\"x"}',
  '{v}', '{c}', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', ARRAY['{"a": 1}']::jsonb[], '{2020-01-01,NULL}', '{2020-01-01 10:00:00.5}',
  '{2020-01-01 10:00:00.5}', '{2020-01-01 10:00:00+00}', '{10:00:00}', '{"\\x00ff"}', '{Ci}', '{7}', '{"[1,3)"}', '{10.0.0.1}');
INSERT INTO arrays (id) VALUES (2);
INSERT INTO arrays (id, i4, t, n) VALUES (3, '{}', '{}', '{}');
INSERT INTO left_out VALUES (1, '{[1,3)}', 'a & b', '0/1', '(1,x)', '{a}', '(1,1),(0,0)', '{1}', '{1 day}');
INSERT INTO required VALUES (1, 1, 1.5, 2.50, 't', true, '\x01', '2020-01-01', '2020-01-01', '2020-01-01 00:00:00+00',
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{}', '{1}', 'ok', '(1,2)', '1 day', B'1010', 'a=>1', '10:00:00+00', 5);
"#;

/// The same rows in the stream, updates of all columns, and deletes that say the key alone.
pub(super) const CHANGES: &str = "
INSERT INTO numbers SELECT id + 100, i2, i4, i8, f4, f8, n, n5_2, n30_10, m, o, b FROM numbers;
INSERT INTO texts SELECT id + 100, c, c1, v, t, ci, u, j, jb, x, inet, cidr, mac, mac8, e, d, lt, ts, isbn FROM texts;
INSERT INTO times SELECT id + 100, d, t, t0, t3, t4, tz, ts, ts0, ts3, ts4, tstz, tstz0, tstz3, i FROM times;
INSERT INTO bits SELECT id + 100, b1, b8, b20, vb, vbn, by, h FROM bits;
INSERT INTO ranges SELECT id + 100, r4, r8, rn, rt, rtz, rd, rdd, p, am FROM ranges;
INSERT INTO arrays SELECT id + 100, i2, i4, i8, f4, f8, n, n5, b, t, v, c, u, j, d, ts, ts3, tz, ti, by, ci, o, r, inet FROM arrays;
INSERT INTO left_out SELECT id + 100, mr, q, lsn, p, a, bx, m, i FROM left_out;
INSERT INTO required SELECT id + 100, i, n, vn, t, b, by, d, ts, tz, u, j, a, e, p, iv, bb, h, tt, m FROM required;
UPDATE numbers SET n = NULL WHERE id = 101; UPDATE texts SET t = 'changed' WHERE id = 101; UPDATE times SET d = NULL WHERE id = 103;
DELETE FROM numbers WHERE id > 100; DELETE FROM texts WHERE id > 100; DELETE FROM times WHERE id > 100;
DELETE FROM required WHERE id > 100;
";
