import { type Report, show, spread, verdict } from '../report.js';

/** All results as one page of tables; what was lost and what could not be measured is in it. */
export function markdown(results: ReadonlyMap<string, Report>): string {
  const parts = [...results].map(([name, report]) => suite(name, report));
  return `# Results\n\nMade from the JSON files beside it by \`npm run charts -w @millrace/bench\`.\n\n${parts.join('\n')}`;
}

function suite(name: string, { machine, versions, rows, figures, absent }: Report): string {
  const { cpus, cpu, memory, kernel, load, command } = machine;
  const known = Object.entries(versions).map(([of, version]) => `${of} ${version}`);
  const parts = [
    `## ${name}\n`,
    `\`${command}\`: ${cpus} x ${cpu}, ${memory} GiB, Linux ${kernel}, load ${load} before the start; ${known.join(', ')}.\n`,
    table(
      ['case', 'unit', 'ours', '', 'peer', '', 'ratio (min – max)', 'bar'],
      rows.map((row) => {
        const { case: of, unit, ours, peer, ratio } = row;
        return [
          of,
          unit,
          ours.name,
          show(ours.median),
          peer.name,
          show(peer.median),
          `${ratio.median < 1 ? '' : '**'}${ratio.median.toFixed(2)}${ratio.median < 1 ? '' : '**'} (${ratio.min.toFixed(2)} – ${ratio.max.toFixed(2)})`,
          verdict(row),
        ];
      }),
    ),
  ];
  if (figures.length > 0) {
    const cells = figures.map((figure) => [figure.case, figure.name, figure.unit, spread(figure)]);
    parts.push(table(['figure', 'of', 'unit', 'min / median / max, or the sum'], cells));
  }
  if (absent.length > 0) {
    const cells = absent.map(({ case: of, ours, peer, why }) => [of, ours, peer, why]);
    parts.push(table(['not compared', 'ours', 'peer', 'why'], cells));
  }
  return parts.join('\n');
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return `${[row(head), row(head.map(() => '---')), ...lines.map(row)].join('\n')}\n`;
}
