// Looking again every so often, while somebody looks at the page.

/** Runs `look` every so many milliseconds until the page goes; not while it is in the background. */
export function regularly(milliseconds: number, look: () => Promise<unknown>): void {
  $effect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) void look();
    }, milliseconds);
    return () => clearInterval(timer);
  });
}
