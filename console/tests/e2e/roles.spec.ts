// What a person may not do is not offered to them.
import { expect, test } from '@playwright/test';
import type { Person } from '../server/content';
import { open, signedIn } from './support';

interface Offers {
  tabs: string[];
  deletesRepository: boolean;
  addsTag: boolean;
  deletesArtifact: boolean;
  makesProject: boolean;
  administers: boolean;
}

const READS = ['Repositories', 'Members', 'Permissions', 'Robots', 'Immutable tags'];
const MANAGES = ['Repositories', 'Members', 'Permissions', 'Robots', 'Retention', 'Immutable tags'];

const OFFERED: Record<Person, Offers> = {
  guest: {
    tabs: READS,
    deletesRepository: false,
    addsTag: false,
    deletesArtifact: false,
    makesProject: false,
    administers: false,
  },
  developer: {
    tabs: READS,
    deletesRepository: false,
    addsTag: true,
    deletesArtifact: false,
    makesProject: false,
    administers: false,
  },
  maintainer: {
    tabs: [...MANAGES, 'Labels', 'Trash', 'Audit log', 'Settings'],
    deletesRepository: true,
    addsTag: true,
    deletesArtifact: true,
    makesProject: false,
    administers: false,
  },
  manager: {
    tabs: [...MANAGES, 'Labels', 'Trash', 'Audit log', 'Settings'],
    deletesRepository: true,
    addsTag: true,
    deletesArtifact: true,
    makesProject: false,
    administers: false,
  },
  admin: {
    tabs: [...MANAGES, 'Labels', 'Trash', 'Audit log', 'Settings'],
    deletesRepository: true,
    addsTag: true,
    deletesArtifact: true,
    makesProject: true,
    administers: true,
  },
};

for (const [person, offers] of Object.entries(OFFERED) as [Person, Offers][]) {
  test(`${person} is offered what they may do`, async ({ page }) => {
    await signedIn(page, person);
    await open(page, 'projects');
    const count = (is: boolean) => (is ? 1 : 0);
    await expect(page.getByRole('button', { name: 'New project' })).toHaveCount(count(offers.makesProject));
    for (const name of ['Users', 'Jobs', 'Storage audit', 'Garbage collection', 'Nodes']) {
      await expect(page.getByRole('link', { name })).toHaveCount(count(offers.administers));
    }

    await open(page, 'projects/team');
    await expect(page.getByRole('navigation', { name: 'team' }).getByRole('link')).toHaveText(offers.tabs);
    await expect(page.getByRole('button', { name: 'Delete app' })).toHaveCount(count(offers.deletesRepository));

    await open(page, 'projects/team/repositories/app:1.1');
    await expect(page.getByRole('button', { name: 'Add a tag' })).toHaveCount(count(offers.addsTag));
    await expect(page.getByRole('button', { name: 'Delete', exact: true })).toHaveCount(count(offers.deletesArtifact));
  });
}

test('strangers see public projects, and are asked to sign in for others', async ({ page }) => {
  await open(page, 'projects');
  await expect(page.getByRole('link', { name: 'open' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'team' })).toHaveCount(0);
  await expect(page.getByRole('link', { name: 'Overview' })).toHaveCount(0);
  await open(page, 'projects/open/repositories/hello:latest');
  await expect(page.getByText('docker pull')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Delete', exact: true })).toHaveCount(0);
  await open(page, '');
  await expect(page).toHaveURL(/sign-in/);
});
