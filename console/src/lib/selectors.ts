// For which repositories and tags a rule is, in Harbor's shape and in that of the form.

export interface Selector {
  decoration: string;
  pattern: string;
}

export interface Selectors {
  repositories: Selector & { decoration: 'repoMatches' | 'repoExcludes' };
  tags: Selector & { decoration: 'matches' | 'excludes' };
}

interface Rule {
  tag_selectors?: { decoration?: string; pattern?: string }[];
  scope_selectors?: unknown;
}

const KIND = 'doublestar';

/** Everything. */
export const NEW_SELECTORS: Selectors = {
  repositories: { decoration: 'repoMatches', pattern: '**' },
  tags: { decoration: 'matches', pattern: '**' },
};

export function selectorsIn(rule: Rule): Selectors {
  const scopes = rule.scope_selectors as Record<string, { decoration?: string; pattern?: string }[]> | undefined;
  const repositories = scopes?.repository?.[0];
  const tags = rule.tag_selectors?.[0];
  return {
    repositories: {
      decoration: repositories?.decoration === 'repoExcludes' ? 'repoExcludes' : 'repoMatches',
      pattern: repositories?.pattern ?? '**',
    },
    tags: { decoration: tags?.decoration === 'excludes' ? 'excludes' : 'matches', pattern: tags?.pattern ?? '**' },
  };
}

export function selectorsOf({ repositories, tags }: Selectors) {
  return {
    scope_selectors: { repository: [{ kind: KIND, ...repositories }] },
    tag_selectors: [{ kind: KIND, ...tags }],
  };
}
