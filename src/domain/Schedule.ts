import { Cron, Either, Option } from "effect"

/** When a cron expression (five fields, or six with seconds first; UTC) is due next after a time; none where it never is. */
export const nextDue = (expression: string, after: Date): Option.Option<Date> =>
  Either.match(Cron.parse(expression, "UTC"), {
    onLeft: () => Option.none(),
    // `Cron.next` throws where it finds no date, as for 30 February.
    onRight: (cron) => Option.liftThrowable(() => Cron.next(cron, after))()
  })
