import { effect, flakyTest, it, layer, live, prop, scoped, scopedLive } from "@effect/vitest"

/*
 * `layer` of @effect/vitest writes its methods over those of vitest's one `it`. The files of a process share that `it`, so
 * each file begins with the methods as they were: otherwise its tests would run on the layer of the file before.
 */
Object.assign(it, { effect, flakyTest, layer, live, prop, scoped, scopedLive })
