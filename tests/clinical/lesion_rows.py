"""Rows of lesions."""


def lesion(day, name, diameter=None, role="target", subject="S1", **cells):
    return {"subject": subject, "day": day, "lesion": name, "role": role, "diameter_mm": diameter} | cells
