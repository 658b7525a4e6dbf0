"""The table of all faults, and what the script costs."""

HEAD = ("run", "shape", "host", "fault", "struck", "outcome", "seconds")


def table(results):
    lines = [HEAD]
    for result in results:
        for row in result["rows"]:
            outcome = row["outcome"] or "NOTHING"
            lines.append((result["name"], result["shape"], row["host"], row["fault"], f"{row['struck']:.0f}",
                          outcome if row["good"] else f"!! {outcome}", f"{row['seconds']:.0f}"))
    widths = [min(90, max(len(line[column]) for line in lines)) for column in range(len(HEAD))]
    return "\n".join("  ".join(word.ljust(width) for word, width in zip(line, widths)).rstrip() for line in lines)


def footer(results):
    rows = [row for result in results for row in result["rows"]]
    said = [f"{len(rows)} faults on {len(results)} runs: {sum(row['good'] for row in rows)} ended as they must"]
    for result in results:
        if not result.get("overhead"):
            continue
        worst = max(result["overhead"], key=lambda entry: entry["seconds"] / entry["bound"])
        said.append(f"overhead ({result['name']}): " + ", ".join(
            f"{entry['host']} {entry['seconds']:.1f} of {entry['bound']:.0f} s" for entry in result["overhead"])
            + f"; nearest to its bound: {worst['host']}")
        said.append(f"CPU of the script ({result['name']}), beyond waiting, yum and cfy_manager: " + ", ".join(
            f"{host} {spent['script']:.1f} s" for host, spent in result["cpu"].items())
            + f"; waiting at most {max(spent['waiting'] for spent in result['cpu'].values()):.1f} s")
    return "\n".join(said)
