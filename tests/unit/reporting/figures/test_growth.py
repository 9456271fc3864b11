"""Size of the method against size of the target."""


def test_growth_has_the_printed_counts(lines_of):
    lines = {(line["row"], line["column"]): line for line in lines_of("growth")}
    assert lines["cifar10_cnn56", "ha"]["params_paper_scale"] == "668026"
    assert lines["cifar10_cnn56", "ha"]["target_paper_scale"] == "850986"
    assert lines["cifar10_cnn20", "uhn"]["params_run"] == "61211"
