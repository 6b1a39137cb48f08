/** What the publisher says of a template that is deprecated, as `Deprecation`; null of any other. */
export const deprecatedOf = (template: string): string =>
  `CASE WHEN ${template}.deprecation IS NOT NULL THEN jsonb_build_object('reason', ${template}.deprecation, 'successor', (
    SELECT instead.slug FROM agents instead WHERE instead.slug = ${template}.successor AND instead.revision IS NOT NULL
  )) END`
