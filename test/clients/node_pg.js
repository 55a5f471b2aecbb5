// node pg: NODE_PATH=… node node_pg.js, PGHOST and so on say where
const { Client } = require('pg')

let passed = 0
function check (what, found, expected) {
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    console.log(`not ok - ${what}: ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`)
    process.exit(1)
  }
  console.log(`ok ${++passed} - ${what}`)
}

async function main () {
  const db = new Client()
  await db.connect()
  const one = async (text, values) => Object.values((await db.query(text, values)).rows[0])
  const history = '{"orders": [["2025-01-05", 12.5], ["2025-03-01", 30]]}'

  check('a history is its text', await one('SELECT history FROM histories WHERE customer_id = 1001'), [history])
  check('an object by the cast to json', await one('SELECT to_json(history) FROM histories WHERE customer_id = $1', [1001]), [JSON.parse(history)])
  check('text in', await one('SELECT transaction_count($1)', [history]), [2])
  check('bigint and numeric are strings', (await one('SELECT order_count($1), total_spend($1, 2)', [history])), ['2', '42.50'])
  const row = (await db.query('SELECT churn_prob, segment, order_count FROM customer_scores_bi WHERE customer_id = $1', [1001])).rows[0]
  check('float8 is a number, bigint a string', [typeof row.churn_prob, typeof row.segment, typeof row.order_count], ['number', 'string', 'string'])
  const cuts = JSON.stringify({
    levels: 2, customers: 4, recency: { cuts: [12], effective_levels: 2 }, frequency: { cuts: [1], effective_levels: 2 }, monetary: { cuts: [45.5], effective_levels: 2 }
  })
  check('cut points without a type', await one('SELECT rfm_score($1, $2, $3, $4)', [5, 3, 50, cuts]), ['222/2'])
  // an API of rows as JSON
  const rows = (await db.query('SELECT json_agg(h ORDER BY customer_id) AS body FROM (SELECT * FROM histories WHERE customer_id > $1) AS h', [1000])).rows[0].body
  check('rows as JSON', rows, [{ customer_id: 1001, history: JSON.parse(history) }])
  await db.end()
  console.log(`${passed} passed`)
}
main().catch(error => { console.log('not ok - ' + error); process.exit(1) })
