"""From facts to words and pictures: the page of a night, the decision card, the model card.

What lives here
    `night.py` renders the facts of a night; `decision_card.py`, `model_card.py`,
    `class_balance.py` and `comparison.py` are the other pages. `contest.py`
    makes table rows; `book_charts.py` and `quality_charts.py` draw, in the style of
    `pictures.py`; `rendering.py` loads templates/.

How to think about it
    Numbers are computed elsewhere, a record carries them, and a template holds the words. If you
    need a calculation here, it belongs in metrics/, monitoring/ or evaluation/ and reaches you in
    NightFacts.

What bites
    A page is one file without network access, in light and dark. The Markdown of an artifact must
    stay below 200 kB, pictures included.

Where it meets the rest
    The top floor: it may read every room but reference/. The night's page and the decision card
    are drawn after publishing, so a failed picture costs no night; class balance, contest table
    and model card are drawn before it. `decision_card.py` also asks the warehouse who is new
    among the best leads, which is known only after publishing.

When you edit
    Change wording in templates/. Change a colour in `pictures.py`. Look at the result on a phone
    and in both themes; docs/report.md explains every picture and has to follow.
"""
