// What an image runs on, in one word: `linux/arm64/v8`.
import type { Schema } from '../api/client';

export function platformName(platform: Schema<'Platform'> | null | undefined): string {
  if (!platform?.os && !platform?.architecture) return '';
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/');
}
