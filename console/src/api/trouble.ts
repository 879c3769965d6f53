// What went wrong, so that a page can say what, why and what to do.

/** A refusal or a failure, with the words of the server. */
export class Trouble extends Error {
  constructor(
    /** The status; 0 where no answer came. */
    readonly status: number,
    /** Why, in the server's words. */
    message: string,
    /** What finds this request in the server's log. */
    readonly request: string | null,
    /** Seconds after which trying again makes sense. */
    readonly retryAfter: number | null = null,
    /** The API's code, which tells refusals of one status apart; those of the registry's own protocol mean others. */
    readonly code: string | null = null,
  ) {
    super(message);
  }

  /** The same, where a page knows what the code means there. */
  as(code: string): Trouble {
    return new Trouble(this.status, this.message, this.request, this.retryAfter, code);
  }

  static unreachable(): Trouble {
    return new Trouble(0, '', null);
  }

  /** Whatever was thrown, as trouble. */
  static of(thrown: unknown): Trouble {
    if (thrown instanceof Trouble) return thrown;
    return new Trouble(-1, thrown instanceof Error ? thrown.message : String(thrown), null);
  }
}

export async function troubleOf(response: Response): Promise<Trouble> {
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => null);
  const retry = response.headers.get('Retry-After');
  return new Trouble(
    response.status,
    messageIn(body) ?? response.statusText,
    response.headers.get('X-Request-Id'),
    retry ? Number(retry) : null,
    response.url.includes('/api/v2.0/') ? (errorsIn(body)[0]?.code ?? null) : null,
  );
}

function messageIn(body: unknown): string | null {
  const messages = errorsIn(body).map((error) => error.message ?? '');
  return messages.join('; ') || null;
}

function errorsIn(body: unknown): { code?: string; message?: string }[] {
  return (body as { errors?: { code?: string; message?: string }[] } | null)?.errors ?? [];
}
