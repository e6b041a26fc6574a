"""From Pydantic's errors to ours."""

from pydantic import ValidationError

from shared.contracts.refusals import FieldError, Refusal, RequestIsInvalid, RequestIsMalformed

_CODES = {
    "string_too_long": "too_long",
    "too_long": "too_long",
    "string_too_short": "too_short",
    "too_short": "too_short",
    "extra_forbidden": "unknown_field",
    "missing": "missing",
    "greater_than_equal": "too_small",
    "less_than_equal": "too_large",
    "value_error": "invalid",
    "assertion_error": "invalid",
    "enum": "not_one_of",
    "literal_error": "not_one_of",
}


def invalid(error: ValidationError) -> Refusal:
    """The refusal of a request that its contract does not take: malformed where it is no JSON, invalid with each field otherwise."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    if any(item["type"] == "json_invalid" for item in errors):
        return RequestIsMalformed()
    return RequestIsInvalid(
        errors=[
            FieldError(
                field=".".join(str(step) for step in item["loc"]) or "body",
                code=_CODES.get(item["type"], item["type"]),
                detail=item["msg"].removeprefix("Value error, "),
            )
            for item in errors[:100]
        ]
    )
