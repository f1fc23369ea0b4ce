"""A real Prometheus with Alertmanager and exporters, which watches a target from outside, as production's does.

It may import the engine, and knows of a target only its environment: addresses and what opens them.
It never arranges anything: what it sees is what any system shows.
"""
