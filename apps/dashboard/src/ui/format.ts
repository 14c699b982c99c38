const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

type Value = number | null | undefined;
/** In the place of what is not known. */
const NONE = '–';

const each =
  (format: (value: number) => string) =>
  (value: Value): string =>
    value === null || value === undefined || !Number.isFinite(value) ? NONE : format(value);

export const count = each((value) => WHOLE.format(value));
export const short = each((value) => (value < 10_000 ? WHOLE.format(value) : SHORT.format(value)));
/** Of a second: small ones are told more exactly. */
export const rate = each((value) => (value < 10 ? TENTHS.format(value) : short(value)));
export const percent = each((value) => `${value < 10 ? TENTHS.format(value) : WHOLE.format(value)} %`);
export const milliseconds = each((value) =>
  value >= 1_000
    ? `${TENTHS.format(value / 1_000)} s`
    : `${value < 10 ? TENTHS.format(value) : WHOLE.format(value)} ms`,
);

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
export const bytes = each((value) => {
  let unit = 0;
  let rest = value;
  for (; rest >= 1_000 && unit < UNITS.length - 1; unit++) rest /= 1_024;
  return `${rest < 10 && unit > 0 ? TENTHS.format(rest) : WHOLE.format(rest)} ${UNITS[unit]}`;
});
export const bytesPerSecond = (value: Value) => (bytes(value) === NONE ? NONE : `${bytes(value)}/s`);

export const duration = each((ms) => {
  const seconds = Math.floor(ms / 1_000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  if (minutes > 0) return `${minutes} min ${seconds % 60} s`;
  return `${seconds} s`;
});

const TIME = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
export const clock = each((at) => TIME.format(at));

/** "worker:0" as people read it. */
export const titleOf = (name: string) => name.replaceAll('-', ' ').replace(':', ' ');
