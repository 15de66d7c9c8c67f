-- The club of the demo and the tests: the tournament of the field record, with invented people. What happened to each order's
-- checkout session at Stripe is staged by deployments/local/demo_club.py, through Stripe's own calls at an earlier time.

INSERT INTO teams (id, name, brand) VALUES (1, '17U Elite', 'red-rock'),
(2, '17U Select', 'desert-rose'),
(3, '16U Elite', NULL),
(4, '15U Elite', NULL);

INSERT INTO products (id, name, amount) VALUES
(1, '17U Elite entry', 5500), (2, '17U Select entry', 6500), (3, '16U Elite entry', 5500);

INSERT INTO tournaments (id, name, event_date, payment_deadline, time_zone) VALUES
(1, 'Utah Invitational', current_date + 20, current_date + 13, 'America/Denver'),
(2, 'Winter Classic', current_date + 60, NULL, 'America/Denver'); -- nobody has committed yet

INSERT INTO tournament_products (tournament_id, team_id, product_id) VALUES (1, 1, 1), (1, 2, 2), (1, 3, 3);

INSERT INTO parents (id, first_name, last_name, email) VALUES
(1, 'Karen', 'Abbott', 'karen.abbott@example.com'),
(2, 'Luis', 'Barrera', 'luis.barrera@example.com'),
(3, 'Mina', 'Castell', 'mina.castell@example.org'),
(4, 'Noel', 'Draper', 'noel.draper@example.com'),
(5, 'Olga', 'Ekberg', 'olga.ekberg@example.org'),
(6, 'Peter', 'Fonseca', 'peter.fonseca@example.com'),
(7, 'Quinn', 'Garrity', 'quinn.garrity@example.com'),
(8, 'Rachel', 'Hobbs', 'rachel.hobbs@example.org'),
(9, 'Samir', 'Iqbal', 'samir.iqbal@example.com'),
(10, 'Teresa', 'Juarez', 'teresa.juarez@example.com'),
(11, 'Ulrich', 'Kessler', 'ulrich.kessler@example.org'),
(12, 'Vera', 'Lindqvist', 'vera.lindqvist@example.com'),
(13, 'Walter', 'Mbeki', 'walter.mbeki@example.com'),
(14, 'Xenia', 'Novak', 'xenia.novak@example.org'),
(15, 'Yusuf', 'Okafor', 'yusuf.okafor@example.com'),
(16, 'Zoe', 'Pruitt', 'zoe.pruitt@example.com'),
(17, 'Anders', 'Quist', 'anders.quist@example.org'),
(18, 'Bella', 'Rourke', 'bella.rourke@example.com'),
(19, 'Chidi', 'Salter', 'chidi.salter@example.com'),
(20, 'Dora', 'Tanaka', 'dora.tanaka@example.org'),
(21, 'Emil', 'Underhill', 'emil.underhill@example.com'),
(22, 'Fiona', 'Vargas', 'fiona.vargas@example.com'),
(23, 'Gideon', 'Wexler', 'gideon.wexler@example.org'),
(24, 'Rosa', 'Delgado', 'rosa.delgado@example.com'), -- of three sisters
(25, 'Jo', 'Ek', 'Jo.Ek@gmail.com'), -- the same mailbox as the next
(26, 'Jo', 'Ek', 'joek@gmail.com'),
(27, 'Hana', 'Xu', NULL),
(28, 'Ivan', 'Yates', 'ivan.yates@example.com'),
(29, 'Jana', 'Zeller', 'jana.zeller@example.com'),
(30, 'Kofi', 'Arden', 'kofi.arden@example.org'),
(31, 'Lena', 'Bishop', 'lena.bishop@example.com'),
(32, 'Marco', 'Conti', 'marco.conti@example.com'),
(33, 'Nadia', 'Dunne', 'nadia.dunne@example.org'),
(34, 'Oscar', 'Engel', 'oscar.engel@example.com');

INSERT INTO players (id, parent_id, first_name, last_name) VALUES
(1, 1, 'Amy', 'Abbott'), (2, 2, 'Bruno', 'Barrera'), (3, 3, 'Clara', 'Castell'), (4, 4, 'Dylan', 'Draper'), (5, 5, 'Elsa', 'Ekberg'),
(6, 6, 'Felix', 'Fonseca'), (7, 7, 'Grace', 'Garrity'), (8, 8, 'Holly', 'Hobbs'), (9, 9, 'Imran', 'Iqbal'), (10, 10, 'Julia', 'Juarez'),
(11, 11, 'Karl', 'Kessler'),
(12, 12, 'Lotta', 'Lindqvist'),
(13, 13, 'Miles', 'Mbeki'),
(14, 14, 'Nina', 'Novak'),
(15, 15, 'Obi', 'Okafor'),
(16, 16, 'Paige', 'Pruitt'),
(17, 17, 'Queenie', 'Quist'),
(18, 18, 'Rory', 'Rourke'),
(19, 19, 'Sade', 'Salter'),
(20, 20, 'Taro', 'Tanaka'),
(21, 21, 'Una', 'Underhill'), (22, 22, 'Vito', 'Vargas'), (23, 23, 'Wanda', 'Wexler'),
(24, 24, 'Alma', 'Delgado'), (25, 24, 'Bianca', 'Delgado'), (26, 24, 'Carla', 'Delgado'),
(27, 25, 'Max', 'Ek'), (28, 26, 'Tove', 'Ek'),
(29, 27, 'Hugo', 'Xu'), (30, 28, 'Isla', 'Yates'), (31, 29, 'Jonas', 'Zeller'), (32, 30, 'Kira', 'Arden'), (33, 31, 'Leo', 'Bishop'),
(34, 32, 'Mia', 'Conti'), (35, 33, 'Nils', 'Dunne'), (36, 34, 'Orla', 'Engel');

INSERT INTO player_teams (player_id, team_id, commitment)
SELECT
    id,
    CASE WHEN id IN (24, 25, 26) THEN id - 23 ELSE 1 + id % 3 END,
    CASE WHEN id = 31 THEN 'invited' ELSE 'committed' END -- Jonas Zeller never committed
FROM players;

-- An order for each committed player but Isla Yates, at the product's price of today.
INSERT INTO orders (player_id, product_id, amount, currency, created_at)
SELECT
    player_teams.player_id,
    products.id,
    products.amount,
    products.currency,
    now() - INTERVAL '3 days'
FROM player_teams
INNER JOIN tournament_products ON player_teams.team_id = tournament_products.team_id
INNER JOIN products ON tournament_products.product_id = products.id
WHERE player_teams.commitment = 'committed' AND player_teams.player_id <> 30
ORDER BY player_teams.player_id;

SELECT setval(pg_get_serial_sequence(name, 'id'), 1000)
FROM unnest(ARRAY['teams', 'products', 'tournaments', 'parents', 'players']) AS name;

COMMENT ON TABLE orders IS 'The demo club of tournament-fees: invented people.';
