// What a REST API answers to what it refuses by itself, in the envelope of Nova Auth. API Gateway does not know the language that a
// client asks for: hence one per API.

import { ResponseType } from "aws-cdk-lib/aws-apigateway";

/** The language of what a REST API refuses by itself. */
export type Language = "ar" | "en";

/** One gateway response. */
export interface Refusal {
  readonly type: ResponseType;
  readonly statusCode?: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

const MESSAGES = {
  UNAUTHORIZED: { ar: "غير مصرح", en: "Not authorized." },
  NOT_FOUND: { ar: "المورد غير موجود", en: "There is no such resource." },
  API_RATE_LIMITED: { ar: "تم تجاوز الحد المسموح للطلبات", en: "Too many requests. Try again in a moment." },
  FORBIDDEN: { ar: "ليس لديك صلاحية للوصول إلى هذا المورد", en: "You are not allowed to use this resource." },
  INTERNAL_ERROR: { ar: "حدث خطأ غير متوقع", en: "Something went wrong." },
};

const HEADERS = {
  "Cache-Control": "'no-store'",
  "Strict-Transport-Security": "'max-age=31536000; includeSubDomains'",
  "X-Content-Type-Options": "'nosniff'",
  "X-Request-Id": "context.requestId",
};

/** All of them. Those without a status of their own keep API Gateway's. */
export function refusals(language: Language): Refusal[] {
  const said = (
    type: ResponseType,
    statusCode: string | undefined,
    code: keyof typeof MESSAGES,
    also: Record<string, string> = {},
  ): Refusal => ({
    type,
    statusCode,
    headers: { ...HEADERS, "Content-Language": `'${language}'`, ...also },
    body: JSON.stringify({ success: false, code, message: MESSAGES[code][language] }),
  });
  return [
    // A 401 of an authorizer carries no detail: no token, an expired one and a revoked one all read the same.
    said(ResponseType.UNAUTHORIZED, "401", "UNAUTHORIZED", { "WWW-Authenticate": "'Bearer'" }),
    // What the authorizer says of its Deny. It may speak either language: hence no Content-Language. Where a step-up is all that is
    // missing, it says what to show (RFC 9470).
    {
      type: ResponseType.ACCESS_DENIED,
      statusCode: "403",
      headers: { ...HEADERS, "WWW-Authenticate": "context.authorizer.challenge" },
      body: '{"success":false,"code":"$context.authorizer.code","message":"$context.authorizer.message"}',
    },
    // A path or method that no route has; and the same with an Authorization header, which API Gateway takes for a signature of AWS.
    said(ResponseType.MISSING_AUTHENTICATION_TOKEN, "404", "NOT_FOUND"),
    said(ResponseType.INVALID_SIGNATURE, "404", "NOT_FOUND"),
    said(ResponseType.THROTTLED, "429", "API_RATE_LIMITED", { "Retry-After": "'1'" }),
    // The authorizer could not decide. Never a 401: the token may be good, and a client that is told otherwise throws it away.
    said(ResponseType.AUTHORIZER_FAILURE, "500", "INTERNAL_ERROR"),
    said(ResponseType.AUTHORIZER_CONFIGURATION_ERROR, "500", "INTERNAL_ERROR"),
    said(ResponseType.DEFAULT_4XX, undefined, "FORBIDDEN"),
    said(ResponseType.DEFAULT_5XX, undefined, "INTERNAL_ERROR"),
  ];
}
