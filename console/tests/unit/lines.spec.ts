// The lines that people paste into a terminal, and the addresses of what they are about.
import { expect, test } from '@playwright/test';
import { pullCommands } from '../../src/lib/pulls';
import { parse, pathOf, within } from '../../src/lib/reference';
import { fit } from '../../src/lib/match';

test('an image is pulled by tag and by digest', () => {
  const by = (of: string, isPlain: boolean) => pullCommands({ name: 'h:5000/team/app', of, kind: 'IMAGE', isPlain });
  expect(by('1.0', false)[0]).toEqual({ client: 'docker', text: 'docker pull h:5000/team/app:1.0' });
  expect(by('sha256:ab', false)[1]?.text).toBe('podman pull h:5000/team/app@sha256:ab');
  expect(by('1.0', true)[1]?.text).toBe('podman pull h:5000/team/app:1.0 --tls-verify=false');
});

test('a chart is pulled by helm', () => {
  const lines = pullCommands({ name: 'h/team/chart', of: '1.2.3', kind: 'CHART', isPlain: true });
  expect(lines[0]?.text).toBe('helm pull oci://h/team/chart --version 1.2.3 --plain-http');
});

test('references are read as people write them', () => {
  expect(parse('a/b')).toEqual({ repository: 'a/b', of: null });
  expect(parse('a/b:1.0')).toEqual({ repository: 'a/b', of: '1.0' });
  expect(parse('a/b@sha256:ab')).toEqual({ repository: 'a/b', of: 'sha256:ab' });
});

test('addresses keep slashes and escape the rest', () => {
  expect(pathOf('team', 'a/b c', 'sha256:ab')).toBe('projects/team/repositories/a/b%20c@sha256:ab');
  expect(within('team', 'team/a/b')).toBe('a/b');
});

test('patterns take parts and the rest', () => {
  expect(fit('projects/:project', 'projects/a%2Fb')).toEqual({ project: 'a/b' });
  expect(fit('projects/:project/repositories/*reference', 'projects/t/repositories/a/b:1')).toEqual({
    project: 't',
    reference: 'a/b:1',
  });
  expect(fit('projects/:project', 'projects')).toBeNull();
  expect(fit('', '')).toEqual({});
  expect(fit('', 'x')).toBeNull();
});
