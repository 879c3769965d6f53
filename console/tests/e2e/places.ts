// Every page, by a name for its pictures.
import { server } from '../server/place';

const PATHS = {
  overview: '',
  projects: 'projects',
  repositories: 'projects/team',
  artifacts: 'projects/team/repositories/app',
  artifact: 'projects/team/repositories/app:1.1',
  index: 'projects/team/repositories/deep/er/tool:latest',
  search: 'search?q=a',
  members: 'projects/team/members',
  permissions: 'projects/team/permissions',
  'project-robots': 'projects/team/robots',
  'project-labels': 'projects/team/labels',
  retention: 'projects/team/retention',
  immutable: 'projects/team/immutable',
  'project-log': 'projects/team/log',
  'project-settings': 'projects/team/settings',
  profile: 'account',
  tokens: 'account/tokens',
  sessions: 'account/sessions',
  users: 'users',
  groups: 'groups',
  roles: 'roles',
  robots: 'robots',
  sources: 'sources',
  labels: 'labels',
  'project-trash': 'projects/team/trash',
  trash: 'trash',
  garbage: 'garbage',
  'storage-audits': 'storage-audits',
  'storage-audit': 'storage-audits/{audit}',
  jobs: 'jobs',
  job: 'jobs/{audit}',
  quotas: 'quotas',
  nodes: 'nodes',
  doctor: 'doctor',
  log: 'log',
  settings: 'settings',
  nowhere: 'there/is/no/such/page',
  trouble: 'projects/team/repositories/app:no-such-tag',
};

/** What a number stands for that only the running server knows, is asked for when a page is opened. */
export const PAGES = Object.entries(PATHS).map(([name, path]) => ({
  name,
  path: () => path.replace('{audit}', server().audit),
}));
