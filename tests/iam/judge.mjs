// Asks @cloud-copilot/iam-simulate what our own evaluator has decided, and says where the two differ: node judge.mjs FILE...
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const accountId = '123456789012'

async function decide(policy, { action, resource, keys, returns, policy: role }) {
  const contextVariables = {}
  // A scan, say, has no such key; that is not the same as a list of none.
  if (keys.length > 0) contextVariables['dynamodb:LeadingKeys'] = keys
  if (returns !== null) contextVariables['dynamodb:ReturnValues'] = returns
  const answer = await runSimulation({
    request: { principal: `arn:aws:iam::${accountId}:role/${role}`, action, resource: { resource, accountId }, contextVariables },
    identityPolicies: [{ name: role, policy }],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
  }, {})
  if (answer.resultType !== 'single') throw new Error(`${role}: ${JSON.stringify(answer)}`)
  // It leaves out of the context what AWS does not have for an action. A scan has no keys, and no role may scan.
  const ignored = action === 'dynamodb:Scan' ? [] : answer.result.ignoredContextKeys
  return { verdict: answer.overallResult, ignored: ignored.length > 0 }
}

let wrong = 0
for (const file of process.argv.slice(2)) {
  const { policies, cases } = JSON.parse(readFileSync(file, 'utf8'))
  const counts = { Allowed: 0, ImplicitlyDenied: 0, ExplicitlyDenied: 0 }
  for (const asked of cases) {
    const { verdict, ignored } = await decide({ Version: '2012-10-17', Statement: policies[asked.policy] }, asked)
    counts[verdict] += 1
    if ((verdict === 'Allowed') === asked.allowed && !ignored) continue
    wrong += 1
    const why = ignored ? 'AWS does not have a key of this context for the action' : `they say ${verdict}`
    if (wrong <= 20) console.error(`${why}: ${JSON.stringify(asked)}`)
  }
  console.log(`${basename(file, '.json')}: ${cases.length} questions, ${JSON.stringify(counts)}`)
  if (counts.Allowed === 0 || cases.length === counts.Allowed) throw new Error(`${file} asks nothing`)
}
if (wrong > 0) {
  console.error(`${wrong} differences`)
  process.exit(1)
}
