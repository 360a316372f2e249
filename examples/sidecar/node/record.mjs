// Tells goen what happened, over HTTP. Needs Node 18 and nothing else.
//
//     GOEN_URL=http://127.0.0.1:8090 GOEN_KEY=… node record.mjs 4711 hanako@example.jp
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

/** Something is wrong with the facts: to try again is of no use. */
export class Refused extends Error {
  constructor(status, answer) {
    super(`${status} ${JSON.stringify(answer)}`)
    this.status = status
    this.problems = answer.problems ?? []
  }
}

/**
 * Records facts: all of them, or none. Facts that are on record already are passed over, so whoever is not sure
 * whether a call succeeded calls again. Call it after the COMMIT of what the facts tell. An error other than Refused
 * means that goen cannot be reached: keep the facts and try again later.
 */
export async function record(facts, { url = process.env.GOEN_URL, key = process.env.GOEN_KEY } = {}) {
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await fetch(`${url}/facts`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
        body: JSON.stringify(facts),
        signal: AbortSignal.timeout(10_000),
      })
      if (response.ok) return
      if (response.status < 500) throw new Refused(response.status, await response.json())
      throw new Error(`goen answers ${response.status}`)
    } catch (error) {
      if (error instanceof Refused || attempt === 3) throw error
      await sleep(attempt * 1000)
    }
  }
}

/** The fact that an order was placed. Its id and time are the order's, so that telling it again tells the same. */
export function orderPlaced(order) {
  return {
    id: `order-${order.id}`,
    type: 'order_saved',
    time: order.placedAt.toISOString(),
    email: order.email,
    data: {
      id: order.id,
      lines: order.lines.map(({ sku, title, quantity, yen }) => ({
        product: sku, title, quantity, price: { minor: yen, currency: 'JPY' },
      })),
    },
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [id, email, placedAt] = process.argv.slice(2)
  await record([orderPlaced({
    id, email,
    placedAt: placedAt ? new Date(placedAt) : new Date(),
    lines: [{ sku: 'sencha', title: '煎茶', quantity: 2, yen: 1200 }],
  })])
  console.log('recorded')
}
