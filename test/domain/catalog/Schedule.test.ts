import { assert, describe, it } from "@effect/vitest"
import { DateTime, FastCheck, Option } from "effect"
import { nextDue, scheduleProblem } from "../../../src/domain/catalog/Schedule.ts"

const anyDay = DateTime.toDateUtc(DateTime.unsafeMake("2024-01-01"))

describe("scheduleProblem", () => {
  it("takes what comes due", () => {
    for (const fine of [
      ...["0 7 * * 1", " 0  7 * * 1 ", "*/5 0-6,22-23 1,15 JAN-jun Mon-FRI", "0 0 29 2 *", "0 0 * * 7"],
      ...["*/59 5-5 * * *", "0 7 */10 */1 *"]
    ]) {
      assert.isUndefined(scheduleProblem(fine), fine)
    }
  })

  it("says which field is wrong and why, and what to write for what other programs read", () => {
    const cases: ReadonlyArray<readonly [schedule: string, said: RegExp]> = [
      ["", /^is empty; write five fields \(minute, hour, day of the month, month, day of the week\)/],
      ["whenever", /^has 1 field; write five/],
      ["0 7 * *", /^has 4 fields; write five/],
      ["60 7 * * 1", /^minute: 60 is not from 0 to 59$/],
      ["0 24 * * 1", /^hour: 24 is not from 0 to 23$/],
      ["0 7 0 * 1", /^day of the month: 0 is not from 1 to 31$/],
      ["0 7 * 13 1", /^month: 13 is not from 1 to 12$/],
      ["5-99 7 * * *", /^minute: 99 is not from 0 to 59$/],
      ["x 7 * * *", /^minute: x is not a number from 0 to 59$/],
      ["0 7 * * 8", /^day of the week: 8 is not from 0 to 7$/],
      ["0 7 * * monday", /^day of the week: monday is not a number from 0 to 7, or sun to sat; did you mean "mon"\?$/],
      ["0 7 * fbe *", /^month: fbe .*did you mean "feb"\?$/],
      ["0 22-6 * * *", /^hour: 22-6 runs backwards; write 22-23,0-6$/],
      ["0 7 * * fri-sun", /^day of the week: fri-sun runs backwards; write 5-6,0$/],
      ["59-5 7 * * *", /^minute: 59-5 runs backwards; write 59,0-5$/],
      ["1-2-3 7 * * *", /^minute: 1-2-3 is no range; write it as 0-59$/],
      ["1/2/3 7 * * *", /^minute: 1\/2\/3 has more than one step$/],
      ["*/60 * * * *", /^minute: \*\/60 has a step that is not from 1 to 59$/],
      ["*/x1 * * * *", /^minute: \*\/x1 has a step that is not from 1 to 59$/],
      ["*/1x * * * *", /^minute: \*\/1x has a step that is not from 1 to 59$/],
      ["*/0 * * * *", /^minute: \*\/0 has a step that is not from 1 to 59$/],
      ["1,,2 * * * *", /^minute: a value is missing$/],
      ["1.5 * * * *", /^minute: 1\.5 is no whole number from 0 to 59$/],
      ["10.25 * * * *", /^minute: 10\.25 is no whole number from 0 to 59$/],
      ["x1.5 * * * *", /^minute: x1\.5 is not a number/],
      ["1.5x * * * *", /^minute: 1\.5x is not a number/],
      ["-1 * * * *", /^minute: a value is missing$/],
      ["@daily", /^@daily is not read; write 0 0 \* \* \*$/],
      ["@reboot", /^@reboot can't be said; write five/],
      ["0 7 L * *", /^day of the month: L \(the last day\) can't be said; write 28/],
      ["0 7 l-12 * *", /^day of the month: l-12 \(the last day\) can't be said; write 28/],
      ["0 7 xL * *", /^day of the month: xL is not a number/],
      ["0 7 Lx * *", /^day of the month: Lx is not a number/],
      ["0 7 * * L", /^day of the week: L .*write the weekday for each week/],
      ["0 7 * * 12L", /^day of the week: 12L .*write 12 for each week/],
      ["0 7 * * 5L", /^day of the week: 5L .*write 5 for each week/],
      ["0 7 15W * *", /^day of the month: 15W .*write the day itself, or 1-5/],
      ["0 7 LW * *", /^day of the month: LW .*write the day itself, or 1-5/],
      ["0 7 x1W * *", /^day of the month: x1W is not a number/],
      ["0 7 1Wx * *", /^day of the month: 1Wx is not a number/],
      ["0 7 * * mon#2", /^day of the week: mon#2 .*write mon for each week/],
      ["0 7 * * #2", /^day of the week: #2 .*write the weekday for each week/],
      ["0 7 * * 1#2", /^day of the week: 1#2 .*write 1 for each week/],
      ["0 7 ? * 1", /^day of the month: \? is not read; write \*$/],
      ["H 7 * * 1", /^minute: H .*write a number$/],
      ["xH 7 * * 1", /^minute: xH is not a number/],
      ["0 0 7 * * 1", /^has six fields, .* perhaps 0 7 \* \* 1$/],
      ["TZ=Europe/London 0 7 * * 1", /^TZ=Europe\/London is not read, since times are in UTC/],
      ["CRON_TZ=CET 0 7 * * 1", /^CRON_TZ=CET is not read/],
      ["xTZ=CET 0 7 * * 1", /^has six fields/],
      ["0 0 30 2 *", /^never comes due/]
    ]
    for (const [schedule, said] of cases) assert.match(scheduleProblem(schedule) ?? "", said, schedule)
  })

  it("says of a time zone that it is not read, and of other sixth fields that there are too many", () => {
    for (const zone of ["Z", "UTC", "CEST", "Europe/London", "Etc/GMT+", "+02:00", "-0500"]) {
      assert.strictEqual(
        scheduleProblem(`0 7 * * 1 ${zone}`),
        `${zone} is not read, since times are in UTC; leave it out, and write the time in UTC`
      )
    }
    for (const other of ["2026", "MON", "sun", "utc", "ZULUS", "AB", "xZ", "Zx", "1+02:00", "+02:001", "/London"]) {
      assert.match(scheduleProblem(`0 0 7 * * ${other}`) ?? "", /^has six fields/, other)
    }
    // In place of the weekday it is none.
    assert.match(scheduleProblem("0 7 * * CET") ?? "", /^day of the week: CET is not a number/)
  })

  it("takes of five fields exactly what has a next time", () => {
    const part = FastCheck.stringMatching(/^(\*|[0-9]{1,2}(-[0-9]{1,2})?)(\/[0-9]{1,2})?(,[0-9]{1,2})?$/)
    const odd = FastCheck.constantFrom("?", "L", "mon", "", "jan-mar", "1-", "x", "1/2/3", "*/", "0-7")
    const field = FastCheck.oneof({ weight: 9, arbitrary: part }, { weight: 1, arbitrary: odd })
    FastCheck.assert(
      FastCheck.property(FastCheck.tuple(field, field, field, field, field), (fields) => {
        const schedule = fields.join(" ")
        if (schedule.trim().split(/\s+/).length !== 5) return
        assert.strictEqual(scheduleProblem(schedule) === undefined, Option.isSome(nextDue(schedule, anyDay)), schedule)
      })
    )
  })
})
