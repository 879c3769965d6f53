// Where the console begins: the language, the colours and who is here, then the page.
import './styles.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { speak, preferred } from './i18n/index.svelte';
import { begin } from './lib/session.svelte';
import { paint } from './lib/theme.svelte';

// Made absolute before the address changes, so that every link and script keeps its root.
const base = document.querySelector('base');
if (base) base.href = document.baseURI;

// A page that was loaded before an upgrade asks for files that are no more.
window.addEventListener('vite:preloadError', () => {
  const last = Number(sessionStorage.getItem('reloaded') ?? 0);
  if (Date.now() - last < 10_000) return;
  sessionStorage.setItem('reloaded', String(Date.now()));
  location.reload();
});

paint();
await Promise.all([speak(preferred()), begin()]);
const target = document.getElementById('console');
if (target) mount(App, { target });
