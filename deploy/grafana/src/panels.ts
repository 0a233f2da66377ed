// What a dashboard of Reins is made of, as data: rows of panels, and in each panel queries in the language of its data source.
//   GD1. A query is a text of its own language, so that tests can parse it, and can find each metric and attribute that it names.
import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  RowBuilder,
  TextBoxVariableBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder as LokiQuery } from '@grafana/grafana-foundation-sdk/loki'
import { PanelBuilder as LogsPanel } from '@grafana/grafana-foundation-sdk/logs'
import { DataqueryBuilder as PrometheusQuery, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TablePanel } from '@grafana/grafana-foundation-sdk/table'
import { DataqueryBuilder as TempoQuery } from '@grafana/grafana-foundation-sdk/tempo'
import { PanelBuilder as SeriesPanel } from '@grafana/grafana-foundation-sdk/timeseries'

export interface Query {
  /** PromQL, TraceQL or LogQL. */
  readonly text: string
  readonly legend?: string
}

export interface PanelDefinition {
  readonly kind: 'series' | 'number' | 'table' | 'traces' | 'logs'
  readonly title: string
  /** What the reader learns from it, and what to do when it is not as it should be. */
  readonly about: string
  readonly unit?: 's' | 'short' | 'bytes' | 'percent' | 'percentunit' | 'ops' | 'currencyUSD'
  readonly queries: readonly Query[]
  /** Columns of 24. */
  readonly width?: number
}

export interface DashboardDefinition {
  /** Of its file and its address. */
  readonly name: string
  readonly title: string
  readonly about: string
  readonly rows: readonly { readonly title: string; readonly panels: readonly PanelDefinition[] }[]
  /** Boxes at the top, whose text is in queries as `$name`. */
  readonly asks?: readonly { readonly name: string; readonly label: string; readonly value: string }[]
}

const sources = {
  series: { type: 'prometheus', uid: '$prometheus' },
  number: { type: 'prometheus', uid: '$prometheus' },
  table: { type: 'prometheus', uid: '$prometheus' },
  traces: { type: 'tempo', uid: '$tempo' },
  logs: { type: 'loki', uid: '$loki' },
} as const satisfies Record<PanelDefinition['kind'], { type: string; uid: string }>

export function dashboardOf({ name, title, about, rows, asks = [] }: DashboardDefinition): unknown {
  let dashboard = new DashboardBuilder(`Reins: ${title}`)
    .uid(`reins-${name}`)
    .description(about)
    .tags(['reins'])
    .editable()
    .refresh('30s')
    .time({ from: 'now-1h', to: 'now' })
    .timezone('browser')
  for (const type of ['prometheus', 'tempo', 'loki'] as const)
    dashboard = dashboard.withVariable(new DatasourceVariableBuilder(type).label(type).type(type))
  for (const ask of asks)
    dashboard = dashboard.withVariable(new TextBoxVariableBuilder(ask.name).label(ask.label).defaultValue(ask.value))
  for (const row of rows) {
    dashboard = dashboard.withRow(new RowBuilder(row.title))
    for (const panel of row.panels) dashboard = dashboard.withPanel(panelOf(panel))
  }
  return dashboard.build()
}

function panelOf({ kind, title, about, unit = 'short', queries, width = 8 }: PanelDefinition) {
  const datasource = sources[kind]
  const refId = (i: number): string => String.fromCharCode(65 + i)
  switch (kind) {
    case 'series':
    case 'number': {
      const panel = kind === 'series' ? new SeriesPanel() : new StatPanel()
      panel
        .title(title)
        .description(about)
        .datasource(datasource)
        .unit(unit)
        .span(width)
        .height(kind === 'series' ? 8 : 4)
      for (const [i, { text, legend = '' }] of queries.entries()) {
        const query = new PrometheusQuery().expr(text).legendFormat(legend).refId(refId(i)).datasource(datasource)
        panel.withTarget(kind === 'series' ? query.range() : query.instant())
      }
      return panel
    }
    case 'table': {
      const panel = new TablePanel().title(title).description(about).datasource(datasource).span(width).height(8)
      for (const [i, { text }] of queries.entries())
        panel.withTarget(
          new PrometheusQuery()
            .expr(text)
            .format(PromQueryFormat.Table)
            .instant()
            .refId(refId(i))
            .datasource(datasource),
        )
      return panel.withTransformation({ id: 'merge', options: {} })
    }
    case 'traces': {
      const panel = new TablePanel().title(title).description(about).datasource(datasource).span(width).height(9)
      for (const [i, { text }] of queries.entries())
        panel.withTarget(
          new TempoQuery().queryType('traceql').query(text).limit(50).refId(refId(i)).datasource(datasource),
        )
      return panel
    }
    case 'logs': {
      const panel = new LogsPanel().title(title).description(about).datasource(datasource).span(width).height(9)
      for (const [i, { text }] of queries.entries())
        panel.withTarget(new LokiQuery().expr(text).refId(refId(i)).datasource(datasource))
      return panel
    }
    default:
      return kind satisfies never
  }
}
