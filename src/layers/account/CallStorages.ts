import type { AsyncLocalStorage } from "node:async_hooks"
import {
  getCurrentAuthContextAsyncLocalStorage,
  getCurrentDBAdapterAsyncLocalStorage,
  getRequestStateAsyncLocalStorage
} from "@better-auth/core/context"
import { Effect, Layer } from "effect"

/*
 * An `AsyncLocalStorage` is on from its first use. While one is, Node before 24 follows every promise and every callback
 * of the process, which each request pays for. Here they are on for calls of better-auth alone, so they are turned off
 * when none is under way.
 */

let underWay = 0
let onIdle = () => {}

/** Makes a call of better-auth, of which it is known when it ends, also where nobody waits for it any longer. */
export const underWayWhile = async <A>(call: () => Promise<A>): Promise<A> => {
  underWay++
  try {
    return await call()
  } finally {
    underWay--
    if (underWay === 0) onIdle()
  }
}

/**
 * Turns those of better-auth, and these, off whenever none of its calls is under way. For a process of this service alone:
 * better-auth has them once for a process, so another program that calls it there would lose what it keeps in them.
 */
export const restingBetweenCalls = (own: ReadonlyArray<AsyncLocalStorage<unknown>>): Layer.Layer<never> =>
  Layer.scopedDiscard(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const its = await Promise.all([
          getCurrentAuthContextAsyncLocalStorage(),
          getCurrentDBAdapterAsyncLocalStorage(),
          getRequestStateAsyncLocalStorage()
        ])
        onIdle = () => {
          for (const storage of [...its, ...own]) storage.disable()
        }
        if (underWay === 0) onIdle()
      }),
      () =>
        Effect.sync(() => {
          onIdle = () => {}
        })
    )
  )
