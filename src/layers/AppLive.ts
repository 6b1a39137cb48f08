import { Layer, Option, type Redacted } from "effect"
import type { KindDescription } from "../domain/catalog/Kind.ts"
import type { RateLimits } from "../services/admission/RateLimiter.ts"
import type { IdentityLinkerOptions } from "../services/identity/IdentityLinker.ts"
import { AccountsLive } from "./account/AccountsLive.ts"
import { AuthenticationLive } from "./account/AuthenticationLive.ts"
import type { BetterAuthOptions } from "./account/BetterAuthLive.ts"
import { MailerLive, type MailerOptions } from "./account/MailerLive.ts"
import { OrgResolverLive } from "./account/OrgResolverLive.ts"
import { PersonalOrgsLive } from "./account/PersonalOrgsLive.ts"
import { KeptAnswersLive } from "./admission/KeptAnswersLive.ts"
import { RateLimiterLive } from "./admission/RateLimiterLive.ts"
import { TemplateCatalogLive } from "./catalog/TemplateCatalogLive.ts"
import { TemplateOffersLive } from "./catalog/TemplateOffersLive.ts"
import { TemplateReaderPure } from "./catalog/TemplateReaderPure.ts"
import { EventNumbersLive, EventsLive } from "./events/EventsLive.ts"
import { GatewayLive } from "./identity/GatewayLive.ts"
import { IdentityLinkerLive } from "./identity/IdentityLinkerLive.ts"
import { InstallCodesLive } from "./identity/InstallCodesLive.ts"
import { AdoptionChecksLive, AdoptionsLive } from "./installation/AdoptionsLive.ts"
import { AgentRowsLive } from "./installation/AgentRowsLive.ts"
import { InstalledAgentsLive } from "./installation/InstalledAgentsLive.ts"
import { RowPairsLive } from "./installation/RowPairsLive.ts"
import { TemplateMirrorLive } from "./installation/TemplateMirrorLive.ts"
import { WatchersLive } from "./installation/WatchersLive.ts"
import { ConnectionLive, type DatabaseOptions, MigrationsLive } from "./postgres/Database.ts"
import { DatabaseFitLive } from "./postgres/DatabaseCheck.ts"
import { PublishedTemplatesLive } from "./publishing/PublishedTemplatesLive.ts"
import { PublishersLive } from "./publishing/PublishersLive.ts"
import { RolloutsLive, RolloutWorkLive } from "./rollout/RolloutsLive.ts"
import { HealthLive } from "./runtime/HealthLive.ts"
import { SweepLive, type SweepOptions } from "./runtime/SweepLive.ts"
import { TransactorLive } from "./runtime/TransactorLive.ts"

/** The options of the services that need only the database. */
export interface ServicesOptions extends IdentityLinkerOptions {
  readonly limits: RateLimits
  /** The kinds of definition that are published and mirrored; by default the four of the service. */
  readonly kinds?: ReadonlyArray<KindDescription> | undefined
}

/** The options of the whole application. */
export interface AppOptions extends ServicesOptions, BetterAuthOptions {
  /** The chat gateway's token; without one there is no gateway. */
  readonly gatewayToken: Option.Option<Redacted.Redacted<string>>
  /** The mail server; without one no mail is sent, and the routes that need mail do not exist. */
  readonly mail?: Option.Option<MailerOptions> | undefined
  /** How long old rows are kept; without it nothing is deleted, and events get numbers only when they are read. */
  readonly kept?: SweepOptions | undefined
}

/** The database, checked and with its schema up to date. */
export const DatabaseLive = (options: DatabaseOptions) =>
  MigrationsLive.pipe(Layer.provide(DatabaseFitLive), Layer.provideMerge(ConnectionLive(options)))

/** The services that need only the database: enough to publish, not to serve. */
export const ServicesLive = (options: ServicesOptions) =>
  Layer.mergeAll(
    AccountsLive(options.kinds),
    AdoptionsLive(options.kinds),
    AgentRowsLive(options.kinds),
    EventsLive,
    HealthLive,
    IdentityLinkerLive(options),
    InstalledAgentsLive(options.kinds),
    OrgResolverLive,
    PersonalOrgsLive,
    PublishersLive,
    PublishedTemplatesLive(options.kinds),
    TemplateReaderPure,
    RateLimiterLive(options.limits),
    RolloutsLive,
    Layer.provide(RolloutWorkLive, TemplateMirrorLive(options.kinds)),
    RowPairsLive(options.kinds),
    TemplateCatalogLive(options.kinds),
    TemplateMirrorLive(options.kinds),
    TemplateOffersLive(options.kinds),
    TransactorLive,
    WatchersLive
  )

/** The whole application, given the database: every live service, and the sweep of old rows. */
export const AppLive = ({ kept, mail = Option.none(), ...options }: AppOptions) =>
  Layer.mergeAll(
    Layer.provide(
      AuthenticationLive(options),
      Option.match(mail, { onNone: () => Layer.empty, onSome: (server) => MailerLive(server) })
    ),
    GatewayLive(options.gatewayToken),
    InstallCodesLive(options.secret),
    KeptAnswersLive(options.secret),
    kept === undefined
      ? Layer.empty
      : Layer.mergeAll(SweepLive(kept), EventNumbersLive, AdoptionChecksLive(options.kinds))
  ).pipe(Layer.provideMerge(ServicesLive(options)))
