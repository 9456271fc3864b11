"""The look of all figures."""

import matplotlib


def test_a_users_matplotlib_settings_do_not_change_a_figure(publish, monkeypatch):
    first = publish("growth", "one")["png"].read_bytes()
    monkeypatch.setitem(matplotlib.rcParams, "lines.linewidth", 9.0)
    assert publish("growth", "two")["png"].read_bytes() == first
