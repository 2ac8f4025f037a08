import { collectDefaultMetrics, Gauge, Histogram, register, Registry } from 'prom-client';
import type { ProcessContext } from '@shiplog/runtime';
import type { RunningReadModels } from '@shiplog/read-models';

/** What this process tells Prometheus. Its own registry: several processes share one Node.js in standalone. */
export class Metrics {
  private readonly registry = new Registry();
  private readonly requests: Histogram;

  constructor(
    api: Pick<ProcessContext, 'feed' | 'world'>,
    readModels: Pick<RunningReadModels, 'checkpoint'>,
  ) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.requests = new Histogram({
      name: 'shiplog_api_request_seconds',
      help: 'Duration of HTTP requests by method and status.',
      labelNames: ['method', 'status'],
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    });
    new Gauge({
      name: 'shiplog_log_position',
      help: 'Last log position that this process has folded.',
      registers,
      collect() {
        this.set(Number(api.feed.position));
      },
    });
    new Gauge({
      name: 'shiplog_read_models_position',
      help: 'Last log position that is in the read models.',
      registers,
      collect() {
        this.set(Number(readModels.checkpoint().position));
      },
    });
    new Gauge({
      name: 'shiplog_apps',
      help: 'Apps that exist.',
      registers,
      collect() {
        this.set(api.world.apps().length);
      },
    });
  }

  observe({ method, status, ms }: { method: string; status: number; ms: number }): void {
    this.requests.observe({ method, status: String(status) }, ms / 1000);
  }

  /** In the Prometheus text format, with what other processes in the same Node.js tell (figures of containers). */
  text(): Promise<string> {
    return Registry.merge([this.registry, register]).metrics();
  }
  get contentType(): string {
    return this.registry.contentType;
  }
}
